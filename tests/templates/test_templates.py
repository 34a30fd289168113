"""What a template may name, show and take."""

from __future__ import annotations

import time
from typing import Any

import pytest

from lsm_eval.errors import UserError
from lsm_eval.templates.missing import NullError
from lsm_eval.templates.render import columns_read, compile_template, compile_text

ROW: dict[str, Any] = {
    "none_here": None,
    "word": "snow",
    "words": ["ice", None],
    "deep": {"x": {"y": None}},
    "not_a_number": float("nan"),
    "flag": False,
}


def render(source: str, row: dict[str, Any] | None = None) -> Any:
    row = ROW if row is None else row
    return compile_template(source, where="FILE, prompt", columns=tuple(row))(row)


def refusal(source: str, row: dict[str, Any] | None = None) -> str:
    with pytest.raises(UserError) as caught:
        render(source, row)
    return str(caught.value)


@pytest.mark.parametrize(
    "source",
    ["{{ word }} x {{ none_here }}", "{{ none_here | upper }}", "x {{ none_here | default('y') }}", "x {{ deep.x.y }}",
     "{{ words | join(', ') }}", "{{ words | map('upper') | join }}", "x {{ words }}", "{{ word ~ none_here }}",
     "{{ '%s' % none_here }}", "{{ '%s %s' % (word, none_here) }}", "{{ '%(none_here)s' % row }}",
     "{{ '{}'.format(none_here) }}", "{{ '{!r}'.format(none_here) }}", "{{ word | replace('s', none_here) }}",
     "{{ none_here | int }}", "{{ none_here | tojson }}", "{% for w in words %}{{ w }}{% endfor %}",
     "{% set z %}{{ none_here }}{% endset %}{{ z }}", "{% filter upper %}{{ none_here }}{% endfilter %}",
     "{{ none_here.strip() }}", "{{ none_here + 'x' }}", "{% for x in none_here %}{% endfor %}",
     "{{ ', '.join(words) }}", "x {{ not_a_number }}", "{{ not_a_number | string }}", "{{ digest(none_here) }}"],
)  # fmt: skip
def test_a_null_is_never_a_word(source: str) -> None:
    with pytest.raises(NullError, match=r"null|NaN"):
        render(source)


def test_the_null_is_named() -> None:
    assert refusal("x {{ none_here }}").startswith("FILE, prompt: the column 'none_here' is null;")
    assert "the column 'deep' holds a value that is null" in refusal("x {{ deep.x.y }}")
    assert "the column 'not_a_number' is NaN" in refusal("x {{ not_a_number }}")
    with pytest.raises(NullError, match="the column 'none_here' is null"):
        compile_text("{{ none_here }}", where="w")(ROW)


@pytest.mark.parametrize(
    ("source", "value"),
    [("x {{ none_here or 'y' }}", "x y"), ("x {{ none_here | default('y', true) }}", "x y"),
     ("{% if none_here %}a{% else %}b{% endif %}", "b"), ("{{ none_here is none }}", True),
     ("{{ words | select | join('-') }}", "ice"), ("{{ none_here }}", None), ("{{ words }}", ["ice", None]),
     ("{{ missing_one | default('d') }}", "d")],
)  # fmt: skip
def test_a_null_can_be_asked_about_and_stood_in_for(source: str, value: Any) -> None:
    assert render(source) == value


def test_what_is_no_number_is_not_zero() -> None:
    assert (render("{{ '7' | int }}"), render("{{ 'x' | int(3) }}"), render("{{ '1.5' | float }}")) == (
        7,
        3,
        1.5,
    )
    assert "'snow' is no number" in refusal("{{ word | int }}")
    assert "'snow' is no number" in refusal("{{ word | float }}")


def test_what_has_no_wording_is_refused() -> None:
    assert "a generator is no text" in refusal("{{ words | map('upper') }} x")
    assert "a function is no text" in refusal("{{ word.upper }} x")


ODD = {
    "Best Answer": "best", "self": "me", "row": "ROW", "loop": "LOOP", "range": "rng", "digest": "dig", "class": "cls",
    "not": "NOT", "items": "it", "best-answer": "dash", "result": "res", "config": "cfg", "it's": "its", "xs": [1, 2],
}  # fmt: skip


@pytest.mark.parametrize(
    ("source", "value"),
    [('{{ row["Best Answer"] }}', "best"), ('A: {{ row["Best Answer"] }}', "A: best"), ("{{ self }}", "me"),
     ("x {{ self }}", "x me"), ("{{ row }}", "ROW"), ('{{ row["row"] }}', "ROW"), ("{{ loop }}", "LOOP"),
     ("{% for x in xs %}{{ loop.index }}{{ x }}{% endfor %}", "1122"), ("{{ range }}", "rng"),
     ("{{ range(2) | list }}", [0, 1]), ("{{ digest }} {{ digest('a') | length }}", "dig 16"), ("{{ class }}", "cls"),
     ('{{ row["not"] }}', "NOT"), ("{{ row.items }}", "it"), ("{{ result }}", "res"), ("{{ config }}", "cfg"),
     ('{{ row["it\'s"] }}', "its"), ("{% for row in xs %}{{ row }}{% endfor %}", "12"),
     ("{% macro digest(x) %}m{{ x }}{% endmacro %}{{ digest(1) }}", "m1")],
)  # fmt: skip
def test_every_column_can_be_named(source: str, value: Any) -> None:
    assert render(source, ODD) == value


def test_the_sentence_says_how_a_column_is_named() -> None:
    for source, hint in (
        ("{{ Best Answer }}", 'row["Best Answer"]'),
        ("x {{ Best Answer }}", 'row["Best Answer"]'),
        ("{{ best-answer }}", 'row["best-answer"]'),
        ("{{ not }}", 'row["not"]'),
    ):
        assert f"is read as {{{{ {hint} }}}}." in refusal(source, ODD)


def test_the_columns_that_a_template_reads() -> None:
    assert columns_read('{{ a }} {{ row["B c"] }} {{ row.d }} {{ self }}') == {"a", "B c", "d", "self"}
    assert columns_read("{% for o in options %}{{ o }}{% endfor %}") == {"options"}


@pytest.mark.parametrize(
    "source",
    ["{{ 'a' * 10**10 }}", "{{ 'x' | center(10**9) }}", "{{ 7**(10**9) }}", "{{ '%1000000000d' % 1 }}", "{{ [0]*10**9 }}",
     "{{ '{:>999999999}'.format(1) }}", "{{ '{:>{}}'.format(1, 10**9) }}", "{{ 'x'.ljust(10**9) }}", "{{ range(10**9) }}",
     "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
     "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
     "{{ ('a'*10**6).replace('a', 'b'*10**6) }}", "{{ 'x'|indent(10**9) }}", "{{ [1]|batch(10**9, 'x')|list }}",
     "{{ 'x' | tojson(indent=10**9) }}", "{{ ''.join(['x'*10000]*100000) }}", "{{ (5).to_bytes(10**9, 'big') }}",
     "{% for i in range(90000) %}" + "abc" * 1000 + "{% endfor %}", "{{ '%*d' % (10**9, 1) }}"],
)  # fmt: skip
def test_a_template_takes_a_bounded_amount(source: str) -> None:
    assert any(word in refusal(source) for word in ("too much", "Range too big"))


@pytest.mark.parametrize(
    "source",
    ["{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
     "{% for i in range(100000) %}{% for j in range(100000) if false %}{% endfor %}{% endfor %}",
     "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(40) }}",
     "{{ [[[[1]*1000]*1000]*1000]*10 }} x"],
)  # fmt: skip
def test_a_template_takes_a_bounded_time(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lsm_eval.templates.bounds.SECONDS", 1.0)
    start = time.thread_time()
    assert "too much" in refusal(source)
    assert time.thread_time() - start < 4


def test_nothing_is_drawn() -> None:
    assert "shuffled(values, key)" in refusal("{{ words | random }}")
    assert "`lipsum` writes another text every time" in refusal("{{ lipsum() }}")


@pytest.mark.parametrize(
    "source",
    ["{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "{{ " + "9" * 5000 + " }}", "{% for i in [1] %}" * 30 +
     "{% endfor %}" * 30, "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}", "{{ 1/0 }}", "{% include 'x' %}",
     "{{ word | regex_replace('(', '') }}", "{{ ''.__class__ }}"],
)  # fmt: skip
def test_whatever_fails_is_one_sentence_with_file_and_key(source: str) -> None:
    assert refusal(source).startswith("FILE, prompt: the template ")


@pytest.mark.parametrize(
    "source",
    ["{{ words | select }}", "x {{ {'a': 1}.items() }}", "{{ {'a': 1}.values() }}", "x {{ namespace(a=1) }}", "{{ range(3) }}",
     "x {{ cycler(1, 2) }}", "{{ words | map('upper') }}"],
)  # fmt: skip
def test_what_has_no_wording_of_its_own_is_no_text(source: str) -> None:
    with pytest.raises(UserError, match=r"no text|not text"):
        compile_text(source, where="w")(ROW)


def test_a_null_hides_in_no_view() -> None:
    with pytest.raises(UserError, match="null"):
        render("{{ '%s' % (deep.items(),) }}")


def test_what_is_not_defined_is_told_also_inside_a_list() -> None:
    assert render("{{ 'a' if flag }}") == "", "as Jinja2 has it"
    assert render("{{ ['b', 'a' if flag, {'k': 'c' if flag}] }}") == ["b", "", {"k": ""}]
    for source in ("{{ [word, nothing] }}", "{{ {'k': [nothing]} }}"):
        assert "'nothing' is undefined" in refusal(source)


def test_a_regular_expression_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("regex")
    monkeypatch.setattr("lsm_eval.templates.bounds.SECONDS", 0.2)
    for source in (
        "{{ word | regex_search('(a|aa)+$') }}",
        "{{ word | regex_replace('(a|a)+b', '') }}",
    ):
        assert "takes longer than" in refusal(source, {"word": "a" * 60 + "!"})
    assert render("{{ word | regex_replace('(n)(o)', '\\\\2\\\\1') }}") == "sonw"
    assert render("{{ word | regex_search('n(o)', 1) }}") == "o"
