"""Uses any module of the Hugging Face `evaluate` library as a metric over a whole set of samples."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Real
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import Unit
from lsm_eval.metrics.choice import best
from lsm_eval.metrics.common import generated, references, right_choices
from lsm_eval.requests import Answer, Generated, Scored
from lsm_eval.tasks.sample import Sample


class EvaluateModule:
    """A loaded module of `evaluate` with its options.

    Predictions are completions (generate), or the index of the likeliest choice, or its text if the module reads
    strings (score; the first of exactly tied choices, as a module cannot express a tie). References are the
    sample's targets: all of them if the module reads a list, else its only one."""

    unit: Unit = "other"

    def __init__(
        self,
        module: Any,
        *,
        name: str,
        key: str | None,
        higher_is_better: bool | None,
        arguments: Mapping[str, Any],
    ) -> None:
        self.module = module
        self.name = name
        self.key = key
        self.higher_is_better = higher_is_better
        self.arguments = dict(arguments)
        described = module.features
        # Some modules accept several layouts; the last is the most general (lists of references).
        self._features: Mapping[str, Any] = described[-1] if isinstance(described, list) else described
        if not {"predictions", "references"} <= set(self._features):
            raise UserError(
                f"metric {name!r} reads {', '.join(self._features)}, where predictions and references are "
                "needed: choose another module of `evaluate`."
            )

    @property
    def signature(self) -> str:
        """The module's name, a hash of its script, the result's key, its arguments, and the library's version."""
        from evaluate import __version__

        options = [f"{key}:{value}" for key, value in sorted(self.arguments.items())]
        source = Path(inspect.getfile(type(self.module))).read_bytes()
        script = f"script:{hashlib.sha256(source).hexdigest()[:12]}"
        return "|".join(
            [
                f"evaluate:{self.module.name}",
                f"key:{self.key or 'first'}",
                *options,
                script,
                f"version:{__version__}",
            ]
        )

    def compute(self, samples: Sequence[Sample], answers: Sequence[Answer]) -> float:
        """The value over these samples (both sequences parallel and not empty)."""
        pairs = zip(samples, answers, strict=True)
        predictions, targets = zip(*(self._pair(sample, answer) for sample, answer in pairs), strict=True)
        try:
            result = self.module.compute(
                predictions=list(predictions), references=list(targets), **self.arguments
            )
        except (TypeError, ValueError, KeyError, ImportError) as error:
            raise UserError(
                f"metric {self.name!r} could not be computed ({type(error).__name__}: {_line(error)}): check its "
                "options and the task's request and target against the module's description."
            ) from error
        return self._value(result or {})

    def _value(self, result: Mapping[str, Any]) -> float:
        if self.key is not None and self.key not in result:
            raise UserError(
                f"metric {self.name!r} gives {', '.join(result)}, and no {self.key!r}: correct the option `key`."
            )
        wanted = [self.key] if self.key is not None else list(result)
        for key in wanted:
            if isinstance(result[key], Real) and not isinstance(result[key], bool):
                return float(result[key])
        raise UserError(
            f"metric {self.name!r} gives no number under {', '.join(wanted)}: set the option `key` to one "
            "that does."
        )

    def _pair(self, sample: Sample, answer: Answer) -> tuple[Any, Any]:
        if isinstance(answer, Generated):
            targets: list[Any] = list(references(self.name, sample))
            return generated(self.name, answer).text, self._reference(sample, targets)
        if isinstance(answer, Scored):
            chosen = best(answer.logprobs)[0]
            right = sorted(right_choices(self.name, sample, len(answer.logprobs)))
            if self._reads_text():
                return sample.choices[chosen], self._reference(sample, [sample.choices[i] for i in right])
            return chosen, self._reference(sample, list(right))
        raise UserError(
            f"metric {self.name!r} reads answers to score and generate requests, but the task asks perplexity "
            "requests: choose another metric."
        )

    def _reference(self, sample: Sample, targets: list[Any]) -> Any:
        if self._reads_lists():
            return targets
        if len(targets) != 1:
            raise UserError(
                f"metric {self.name!r} reads one reference a sample, and sample {sample.id!r} has "
                f"{len(targets)}: give one target in the task, or choose another metric."
            )
        return targets[0]

    def _reads_text(self) -> bool:
        return getattr(self._features["predictions"], "dtype", None) == "string"

    def _reads_lists(self) -> bool:
        from datasets import List, Sequence

        return isinstance(self._features["references"], (list, List, Sequence))


def load(where: str, options: Mapping[str, Any], *, offline: bool, folder: Path) -> EvaluateModule:
    """Loads a module by its name on the hub, or by a path (beginning with `.` or `/`, relative to `folder`).

    Options: `name`, `key` (of the result; by default the first with a number), `higher_is_better`
    (unknown by default), `config` (the module's own configuration); all others go to the module's `compute`."""
    given = dict(options)
    name = given.pop("name", None)
    key = given.pop("key", None)
    higher = given.pop("higher_is_better", None)
    config = given.pop("config", None)
    local = where.startswith((".", "/"))
    path = str((folder / where).resolve()) if local else where
    for option, value, kind in (
        ("name", name, str),
        ("key", key, str),
        ("config", config, str),
        ("higher_is_better", higher, bool),
    ):
        if value is not None and not isinstance(value, kind):
            raise UserError(
                f"metric 'evaluate:{where}': option {option!r} must be a {kind.__name__}, not {value!r}."
            )
    module = _load(path, config, offline=offline, local=local)
    return EvaluateModule(
        module,
        name=name or f"evaluate:{Path(where).stem if local else where}",
        key=key,
        higher_is_better=higher,
        arguments=given,
    )


def _load(path: str, config: str | None, *, offline: bool, local: bool) -> Any:
    import evaluate

    advice = (
        "check the path (a script, or a folder with a script of its own name)"
        if local
        else "check the name and the connection, or give a local copy as `evaluate:./path`"
    )
    try:
        with _offline(offline):
            return evaluate.load(path, config, keep_in_memory=True)
    except ImportError as error:
        raise UserError(
            f"the `evaluate` module {path!r} needs a package that is not installed ({_line(error)}): "
            "install it."
        ) from error
    except (OSError, ValueError, SyntaxError, AttributeError, TypeError, NameError) as error:
        raise UserError(
            f"the `evaluate` module {path!r} could not be loaded ({_line(error)}): {advice}."
        ) from error


@contextmanager
def _offline(offline: bool) -> Iterator[None]:
    """Keeps `evaluate` off the network, whatever its environment variables say; it still reads its own cache."""
    from evaluate import config

    before = config.HF_EVALUATE_OFFLINE
    config.HF_EVALUATE_OFFLINE = offline or before
    try:
        yield
    finally:
        config.HF_EVALUATE_OFFLINE = before


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
