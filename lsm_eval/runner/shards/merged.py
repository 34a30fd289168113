"""Shards read as one: their answers and times take the place of a model that is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lsm_eval.errors import NotComparable
from lsm_eval.inference.times import Found
from lsm_eval.metrics.joint import SampleResponse
from lsm_eval.models.base import Cost, Model, ModelInfo
from lsm_eval.profiling.matmul import UNMEASURED, Machine
from lsm_eval.progress import Progress
from lsm_eval.request_json import store_key
from lsm_eval.requests import Answer, Failure, Request, Response
from lsm_eval.results.schema import Manifest
from lsm_eval.runner.ask import ask
from lsm_eval.runner.environment import versions
from lsm_eval.runner.execute import Tally
from lsm_eval.runner.manifest import NOT_USED
from lsm_eval.runner.prepared import Prepared
from lsm_eval.runner.shards.agreement import check_here
from lsm_eval.runner.shards.folder import Held, ShardManifest
from lsm_eval.runner.shards.run import shard_task
from lsm_eval.runner.spec import RunSpec
from lsm_eval.runner.work import RunUsage

_OF_SCORING = ("python", "datasets", "evaluate", "sacrebleu", "rouge-score", "numpy")
"""Packages that score answers, which happens where shards are merged."""


@dataclass(frozen=True)
class MergedShards:
    """Shards that together are a whole run, each of which adds something (`agreement.united`)."""

    manifests: Sequence[ShardManifest]
    answers: Mapping[str, Held]

    @property
    def first(self) -> ShardManifest:
        """The shard whose word counts where all say the same."""
        return self.manifests[0]

    @property
    def fingerprint(self) -> str:
        """That of the model that answered; where shards are merged there may be neither its weights nor its device."""
        return self.first.fingerprint

    def check(self, prepared: Prepared, spec: RunSpec, model: Model) -> None:
        """Raise `NotComparable` if the tasks that were prepared here are not those that the shards asked."""
        here = [shard_task(task, spec, model, self.fingerprint) for task in prepared.tasks]
        check_here(self.first, here, prepared.left_out.rows)

    def ask(
        self, prepared: Prepared, model: Model, progress: Progress
    ) -> tuple[list[SampleResponse], list[Tally]]:
        """See `runner.ask.ask`; nothing is computed. Raises `NotComparable` if a request is none of those that the shards answered."""
        given = _Given(model, self.first.stored_as, self.answers)
        responses, tallies = ask(
            prepared.tasks, given, self.first.stored_as, _Stored(self.answers), progress, loaded=True
        )
        return responses, [self._with_times(tally) for tally in tallies]

    def usage(self, tallies: Sequence[Tally]) -> RunUsage:
        """What the shards used together, with their raw times."""
        counts: dict[str, float] = {}
        times: dict[tuple[str, Any], list[float]] = {}
        for shard in self.manifests:
            for name, value in shard.counts.items():
                counts[name] = counts.get(name, 0) + value
            for row in shard.times:
                times.setdefault((row.kind, row.measured), []).extend(row.seconds)
        found: Found = times
        return RunUsage(
            tallies,
            counts,
            counted=self.first.counted,
            stored=self.first.stored,
            machine=self._machine(),
            peak=_most([shard.peak for shard in self.manifests]),
            device_peak=_most([shard.device_peak for shard in self.manifests]),
            times=found,
        )

    def seconds(self, own: Mapping[str, float], whole: float) -> tuple[dict[str, float], float]:
        """Seconds of each phase and in total: those of all shards together, and `own` of merging them."""
        found = dict(own)
        for shard in self.manifests:
            for name, value in shard.seconds.items():
                found[name] = found.get(name, 0.0) + value
        return found, whole + sum(shard.whole for shard in self.manifests)

    def complete(self, manifest: Manifest) -> Manifest:
        """The manifest with the model and the machines that the shards name."""
        kinds = {repr(_machine_kind(shard)) for shard in self.manifests}
        hardware = dict(self.first.hardware) | ({"machines": len(kinds)} if len(kinds) > 1 else {})
        here = {name: version for name, version in versions().items() if name in _OF_SCORING}
        row = self.first.model
        found: dict[str, str] = {}
        for shard in self.manifests:
            for name, value in shard.model.details.items():
                if found.get(name, NOT_USED) == NOT_USED:
                    found[name] = value
        return manifest.model_copy(
            update={
                "model": row.model_copy(update={"details": found}),
                "hardware": hardware,
                "versions": {**self.first.versions, **here},
            }
        )

    def _with_times(self, tally: Tally) -> Tally:
        own = [phase for shard in self.manifests for phase in shard.phases if phase.kind == tally.kind]
        return replace(
            tally,
            seconds=sum(phase.seconds for phase in own),
            batches=tuple(batch for phase in own for batch in phase.batches),
            here=any(phase.here for phase in own),
        )

    def _machine(self) -> Machine:
        """The fastest measurement, if all shards ran on machines of one kind."""
        if any(_machine_kind(shard) != _machine_kind(self.first) for shard in self.manifests):
            return UNMEASURED
        flops, reading = zip(*(shard.machine for shard in self.manifests), strict=True)
        return Machine(_most(flops), _most(reading))


def _machine_kind(shard: ShardManifest) -> list[Any]:
    return [shard.hardware.get(name) for name in ("machine", "cpu", "cores", "gpu")]


def _most(values: Sequence[Any]) -> Any:
    """The largest value that is known; None if none is."""
    return max((value for value in values if value is not None), default=None)


class _Stored:
    """Those of the shards' answers that had been in a store (`inference.store.AnswerStore`)."""

    def __init__(self, answers: Mapping[str, Held]) -> None:
        self._answers = answers

    def get(self, keys: Sequence[str]) -> dict[str, tuple[Answer, str]]:
        held = {key: self._answers[key] for key in keys if key in self._answers}
        return {
            key: (one.response, "")
            for key, one in held.items()
            if one.stored and not isinstance(one.response, Failure)
        }

    def put(self, answers: Mapping[str, Answer], plan: str) -> None:
        """Nothing: all of them are kept already."""


class _Given:
    """Answers what the shards answered (`models.base.Model`)."""

    def __init__(self, model: Model, stored_as: str, answers: Mapping[str, Held]) -> None:
        self._model, self._stored_as, self._answers = model, stored_as, answers

    @property
    def info(self) -> ModelInfo:
        return self._model.info

    def fingerprint(self) -> str:
        return self._model.fingerprint()

    def cost(self, requests: Sequence[Request]) -> list[Cost]:
        return self._model.cost(requests)

    def render(self, request: Request) -> str:
        return self._model.render(request)

    def computed(self) -> Mapping[str, float]:
        return {}

    def load(self) -> None:
        """Nothing to load."""

    def answer(
        self, requests: Sequence[Request], known: Collection[int] = ()
    ) -> Iterator[dict[int, Response]]:
        for i, request in enumerate(requests):
            if i in known:
                continue
            chat = getattr(request, "chat", False)
            held = self._answers.get(
                store_key(request, self._stored_as, self.render(request) if chat else None)
            )
            if held is None:
                raise NotComparable(
                    "a request that is made here is none of those that the shards answered, although their tasks are the same: the model's "
                    "tokenizer or chat template is another here, or the template writes the day's date."
                )
            yield {i: held.response}
