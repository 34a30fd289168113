"""Reads which of the listed choices an answer names. An answer that names none counts as missing, not as wrong."""

from __future__ import annotations

from collections.abc import Sequence

from lsm_eval.metrics.base import Measurement
from lsm_eval.metrics.joint import SampleResponse, join, parts
from lsm_eval.reading.chosen_option import VERSION as READER
from lsm_eval.reading.chosen_option import chosen
from lsm_eval.requests import Failure, Generated, Response, Scored
from lsm_eval.runner.prepared import PreparedTask
from lsm_eval.runner.written_choices.wording import VERSION
from lsm_eval.tasks.sample import Listed

_WORST = -1e4


def part_of_signature(task: PreparedTask) -> str:
    """How its choices were asked and read, as part of a signature; empty if they were scored."""
    if task.choices is None:
        return ""
    reader = f"/reader{READER}" if task.choices == "parsed" else ""
    return f"choices:generated/{task.choices}/v{VERSION}{reader}"


def with_unread(task: PreparedTask, responses: Sequence[SampleResponse]) -> list[SampleResponse]:
    """The responses, with a failure (`unread`) in place of each that names no choice or several."""
    if task.choices is None:
        return list(responses)
    return [
        join([_read(shown, part, task) for shown, part in zip(sample.listed, parts(whole), strict=True)])
        if not isinstance(whole, Failure)
        else whole
        for sample, whole in zip(task.samples, responses, strict=True)
    ]


def measured(task: PreparedTask, responses: Sequence[SampleResponse]) -> Sequence[SampleResponse]:
    """The responses as metrics need them: a written choice becomes an order of the choices with the written one first."""
    if task.choices is None:
        return responses
    return [
        join([_order(shown, part, task) for shown, part in zip(sample.listed, parts(whole), strict=True)])
        if not isinstance(whole, Failure)
        else whole
        for sample, whole in zip(task.samples, responses, strict=True)
    ]


def bounds(measurements: Sequence[Measurement | None], missing: int) -> tuple[float, float] | None:
    """Bounds of a mean of values from 0 to 1, with all missing ones 0 and all 1; None if there is no mean."""
    own = [one.statistics for one in measurements if one is not None]
    if any(len(one) != 2 or not 0 <= one[0] <= one[1] for one in own) or not (own or missing):
        return None
    total, count = sum(one[0] for one in own), sum(one[1] for one in own) + missing
    return total / count, (total + missing) / count


def _place(shown: Listed, text: str, task: PreparedTask) -> int | None:
    """Index among the listed choices."""
    if task.choices == "constrained":
        said = text.strip()
        return shown.labels.index(said) if said in shown.labels else None
    return chosen(text, shown.texts, labels=shown.labels)


def _read(shown: Listed, response: Response, task: PreparedTask) -> Response:
    if not isinstance(response, Generated) or _place(shown, response.text, task) is not None:
        return response
    ended = ", and its tokens ran out" if response.finish == "length" else ""
    constrained = ", although it was held to them" if task.choices == "constrained" else ""
    return Failure("unread", f"it names none of its choices, or several{constrained}{ended}", response)


def _order(shown: Listed, response: Response, task: PreparedTask) -> Response:
    if not isinstance(response, Generated):
        return response
    place = _place(shown, response.text, task)
    assert place is not None
    count = len(shown.places)
    scores = [_WORST] * count
    scores[shown.places[place]] = 0.0
    return Scored(tuple(scores), (1,) * count, (False,) * count, response.truncated, order_only=True)
