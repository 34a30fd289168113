"""The table of tasks in README.md is the one that the folders give."""

from __future__ import annotations

import task_table


def test_readme_has_every_task() -> None:
    assert task_table.main([]) == 0


def test_a_table_that_lacks_something_is_made_anew() -> None:
    page = task_table.PAGE.read_text(encoding="utf-8")
    lacking = page.replace("`bbq_lite`", "")
    assert lacking != page
    assert task_table.replaced(lacking) == page
