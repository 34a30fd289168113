"""What runs of written choices leave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from command_line import Outcome
from openai_server import Body, Server, completion, prompt_of

from lsm_eval.results.reader import Record, read_record


def record_of(done: Outcome) -> Record:
    assert done.code == 0, done.err
    return read_record(done.record)


def questions_to(server: Server) -> list[Body]:
    """The questions of tasks, without what tells whether the server can score."""
    return [body for body in server.bodies if "max_tokens" in body]


def values_of(record: Record) -> dict[str, Any]:
    return {row.metric: row.value for row in record.estimates}


def saying(right: Callable[[int], str]) -> Callable[[Body], Any]:
    numbers: dict[str, int] = {}

    def answer(body: Body) -> Any:
        at = numbers.setdefault(prompt_of(body), len(numbers))
        return completion(body, right(at))

    return answer
