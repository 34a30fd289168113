"""The documents of a harness task: turned into samples before asking, and into the harness's own results afterwards."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.lm_eval_bridge.generation import make_request, read_keywords
from lsm_eval.lm_eval_bridge.rolling import rolling_request
from lsm_eval.models.encoding import Encoder
from lsm_eval.requests import Answer, Generated, Likelihood, Perplexity, Request, Score, Scored
from lsm_eval.tasks.sample import Sample

Results = Mapping[str, Mapping[str, Any]]
"""By filter, then by metric: the values of `process_results` for one document."""


@dataclass(frozen=True)
class _Asked:
    """Which of its document's requests give the answers for an instance of the harness."""

    instance: Any
    requests: tuple[int, ...]
    """More than one if the task repeats its instances."""
    continuation: int = 0


class Documents:
    """The documents of one task, with the harness's requests for them."""

    def __init__(
        self, name: str, task: Any, docs: Sequence[tuple[int, Any]], encoder: Encoder | None
    ) -> None:
        """`docs`: number and document, in order. `task` has built its requests. `encoder`: the model's, if it has
        one. Raises `UserError`."""
        self.name, self.task, self._encoder = name, task, encoder
        self._end = encoder.end_text if encoder else None
        self._docs = {str(number): doc for number, doc in docs}
        self._asked: dict[str, list[_Asked]] = {}
        self._requests: dict[str, tuple[Request, ...]] = {}
        self._results: dict[str, Results] = {}
        instances: dict[str, list[Any]] = {}
        for instance in task.instances:
            instances.setdefault(str(instance.doc_id), []).append(instance)
        for number, own in instances.items():
            self._plan(number, sorted(own, key=lambda instance: int(instance.idx)))

    @property
    def filters(self) -> list[str]:
        """Names of the filters that are applied to answers before scoring."""
        return [str(ensemble.name) for ensemble in self.task._filters]

    def samples(self) -> tuple[Sample, ...]:
        """One sample a document."""
        return tuple(self._sample(number, requests) for number, requests in self._requests.items())

    def results(self, sample: Sample, answers: Sequence[Answer]) -> Results:
        """The harness's own scores of one document. Raises `UserError` if its code fails."""
        found = self._results.get(sample.id)
        if found is None:
            found = self._results[sample.id] = self._score(sample.id, answers)
        return found

    def _score(self, number: str, answers: Sequence[Answer]) -> Results:
        instances = []
        for planned in self._asked[number]:
            instance = planned.instance
            instance.resps = [_response(answers[at], planned.continuation) for at in planned.requests]
            instance.filtered_resps = {}
            instances.append(instance)
        results: dict[str, Mapping[str, Any]] = {}
        try:
            for ensemble in self.task._filters:
                ensemble.apply(instances)
                filtered = [instance.filtered_resps[ensemble.name] for instance in instances]
                # Each filter gets its own copy of the document, as in the harness, since some tasks modify it.
                results[ensemble.name] = dict(
                    self.task.process_results(copy.deepcopy(self._docs[number]), filtered)
                )
        except (
            ImportError, AttributeError, NameError, LookupError, OSError, RuntimeError, TypeError, ValueError,
            ArithmeticError, AssertionError,
        ) as error:  # fmt: skip
            reason = " ".join(str(error).split())[:200]
            raise UserError(
                f"lm-eval:{self.name}: the task's own scoring fails on document {number} ({type(error).__name__}: "
                f"{reason}): install what it needs, or report it to where the task comes from."
            ) from error
        return results

    def _plan(self, number: str, instances: Sequence[Any]) -> None:
        requests: list[Request] = []
        planned: list[_Asked] = []
        # One context with all its continuations is one request.
        wanted: dict[str, dict[str, int]] = {}
        for instance in instances:
            if instance.request_type == "loglikelihood":
                context, continuation = instance.args[:2]
                if not continuation:
                    raise UserError(
                        f"lm-eval:{self.name}: a choice of document {number} is empty, and nothing of it can be scored: "
                        "correct the task."
                    )
                wanted.setdefault(context, {}).setdefault(continuation, len(wanted.get(context, ())))
        place: dict[str, int] = {}
        for instance in instances:
            repeats = int(instance.repeats or 1)
            if instance.request_type == "loglikelihood":
                context, continuation = instance.args[:2]
                if context not in place:
                    place[context] = len(requests)
                    requests.append(Score(context, tuple(wanted[context]), lm_eval=True))
                planned.append(_Asked(instance, (place[context],) * repeats, wanted[context][continuation]))
            elif instance.request_type == "loglikelihood_rolling":
                planned.append(_Asked(instance, (len(requests),) * repeats))
                requests.append(rolling_request(self._encoder, str(instance.args[0])))
            else:
                drawn = self._generations(instance, repeats)
                at = range(len(requests), len(requests) + len(drawn))
                planned.append(_Asked(instance, tuple(at) if len(drawn) > 1 else (at[0],) * repeats))
                requests += drawn
        self._requests[number], self._asked[number] = tuple(requests), planned

    def _generations(self, instance: Any, repeats: int) -> list[Request]:
        prompt, given = instance.args[:2]
        try:
            keywords = read_keywords(given)
            draws = (
                repeats if keywords.temperature else 1
            )  # greedy decoding would give the same text each time
            return [
                make_request(str(prompt), keywords, end=self._end, seed=seed, prompt_tokens=None) for seed in range(draws)
            ]  # fmt: skip
        except UserError as error:
            raise UserError(f"lm-eval:{self.name}: {error}") from error

    def _sample(self, number: str, requests: tuple[Request, ...]) -> Sample:
        first, *further = requests
        choices = first.continuations if isinstance(first, Score) else ()
        return Sample(
            id=number,
            request=first,
            target=self._target(number, requests),
            choices=choices,
            further=tuple(further),
        )

    def _target(self, number: str, requests: tuple[Request, ...]) -> tuple[int, ...] | tuple[str, ...]:
        """Only for display: the harness scores with its own reading of the document."""
        if isinstance(requests[0], Perplexity):
            return ()
        gold = self.task.doc_to_target(copy.deepcopy(self._docs[number]))
        golds = list(gold) if isinstance(gold, (list, tuple)) else [gold]
        if isinstance(requests[0], Score):
            indices = [one for one in golds if isinstance(one, int) and not isinstance(one, bool)]
            fits = len(indices) == len(golds) and all(
                0 <= i < len(requests[0].continuations) for i in indices
            )
            return tuple(indices) if fits and not requests[1:] else ()
        return tuple(str(one) for one in golds)


def _response(answer: Answer, continuation: int) -> Any:
    if isinstance(answer, Scored):
        return answer.logprobs[continuation], answer.greedy[continuation]
    if isinstance(answer, Likelihood):
        return answer.logprob
    assert isinstance(answer, Generated)
    return answer.text
