"""HellaSwag's texts without marks."""

from __future__ import annotations

import pytest

from lsm_eval.benchmarks.accuracy.hellaswag.code import hellaswag_clean, hellaswag_endings


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (" Then [title] Wash it. [step] Use soap. ", "Then. Wash it. Use soap."),
        ("[header] How to swim", " How to swim"),
        ("no marks", "no marks"),
    ],
)
def test_marks_are_taken_out(text: str, clean: str) -> None:
    assert hellaswag_clean(text) == clean
    assert hellaswag_endings(["as it is", text]) == ["as it is", clean]
