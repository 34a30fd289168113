"""Pages as GitHub reads them become pages that Python-Markdown reads the same way."""

from __future__ import annotations

import pytest

from website.markdown import escaped, pieces, readable, slug, title, with_anchors, with_links


def test_code_is_told_from_prose() -> None:
    text = "a\n```sh\n# no heading\n~~~\n```\nb\n~~~~\n```\n~~~~\nc"
    assert list(pieces(text)) == [
        (False, "a\n"),
        (True, "```sh\n# no heading\n~~~\n```\n"),
        (False, "b\n"),
        (True, "~~~~\n```\n~~~~\n"),
        (False, "c"),
    ]


def test_a_title_is_plain() -> None:
    assert (
        title("```\n# code\n```\n# With [lm-eval](x.md) and `--json`\n## Later\n")
        == "With lm-eval and --json"
    )
    assert title("nothing\n") == ""


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("samples/<task>.parquet", "samplestaskparquet"),
        ("`--dry-run`", "--dry-run"),
        ("Texts longer than the model's context", "texts-longer-than-the-models-context"),
        ("A heading, [linked](x.md#y)", "a-heading-linked"),
        ("How `async` is_it", "how-async-is_it"),
    ],
)
def test_anchors_are_githubs(heading: str, anchor: str) -> None:
    assert slug(heading) == anchor
    assert f"## {heading} {{ #{anchor} }}" in with_anchors(f"## {heading}\n")


def test_anchors_that_come_twice_are_numbered() -> None:
    found = with_anchors("# One\n## Licence\n```\n## Licence\n```\n## Licence\n## Licence\n")
    assert [line for line in found.splitlines() if line.startswith("##")] == [
        "## Licence { #licence }",
        "## Licence",
        "## Licence { #licence-1 }",
        "## Licence { #licence-2 }",
    ]


def test_links_are_changed_outside_of_code_only() -> None:
    text = "[a `b`](one.md) `[c](two.md)` ![d](three.png)\n```\n[e](four.md)\n```\n[f\ng](gone)\n"
    found = with_links(text, lambda link: None if link == "gone" else f"X/{link}")
    assert found == "[a `b`](X/one.md) `[c](two.md)` ![d](X/three.png)\n```\n[e](four.md)\n```\nf\ng\n"


def test_text_reads_as_it_stands() -> None:
    assert escaped("a_b *c* <d> [e] | `f|g` --json-file") == r"a\_b \*c\* &lt;d> \[e\] \| `f|g` `--json-file`"
    assert escaped("one `alone") == r"one \`alone"


def test_lists_and_tables_need_no_blank_line() -> None:
    assert readable("Text:\n- one\n  goes on\n- two\n\nText\n| a |\n| - |\n") == (
        "Text:\n\n-   one\n    goes on\n-   two\n\nText\n\n| a |\n| - |\n"
    )


def test_items_go_by_four_spaces() -> None:
    text = "1. one\n\n   more\n   - inner\n\n     ```sh\n     code\n       in\n     ```\n2. two\n\nEnd\n"
    assert readable(text) == (
        "1.  one\n\n    more\n\n    -   inner\n\n        ```sh\n        code\n          in\n        ```\n\n2.  two\n\nEnd\n"
    )


def test_an_item_after_code_is_beside_its_item() -> None:
    text = "- one\n  ```\n  code\n  ```\n  goes on\n- two\n"
    assert readable(text) == "-   one\n\n    ```\n    code\n    ```\n\n    goes on\n\n-   two\n"


def test_a_number_that_begins_a_line_is_no_list() -> None:
    assert readable("It was\n1984. Then\n") == "It was\n1984. Then\n"


def test_bars_in_the_code_of_a_table_are_bars() -> None:
    assert readable("| `a\\|b` | c\\|d |\n`e\\|f`\n") == "| `a|b` | c\\|d |\n`e\\|f`\n"


def test_comments_go() -> None:
    assert readable("<!-- a\nb -->\n| c |\n`<!-- d -->`\n") == "| c |\n`<!-- d -->`\n"
