"""Runs a task of the harness in our runner: its documents become samples, its own scoring becomes metrics."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import getsource
from pathlib import Path
from typing import Any

from lsm_eval.data.load import Table
from lsm_eval.errors import UserError
from lsm_eval.lm_eval_bridge import chat
from lsm_eval.lm_eval_bridge.data import from_mirror, table
from lsm_eval.lm_eval_bridge.documents import Documents
from lsm_eval.lm_eval_bridge.metrics import declared_metrics
from lsm_eval.lm_eval_bridge.names import PREFIX, LmEvalTask
from lsm_eval.lm_eval_bridge.package import require
from lsm_eval.metrics.base import AnyMetric
from lsm_eval.models.encoding import Encoder
from lsm_eval.requests import kind
from lsm_eval.tasks import chosen
from lsm_eval.tasks.limit import Limit, samples_of
from lsm_eval.tasks.sample import Sample

HARNESS_SEED = 1234
"""The seed by which the harness draws examples; our default seed, 0, is replaced by it, so that numbers are comparable."""


@dataclass(frozen=True)
class Built:
    """A task of the harness, ready to be asked."""

    loaded: LmEvalTask
    metrics: tuple[AnyMetric, ...]
    data: Table
    samples: tuple[Sample, ...]
    shots: int


def build(
    loaded: LmEvalTask,
    *,
    shots: int | None,
    limit: Limit | None,
    seed: int,
    mirror: Path | None,
    encoder: Encoder | None,
    chat_template: bool,
    ids: Sequence[str] | None = None,
    system: str | None = None,
) -> Built:
    """Read the task's data and make its requests, both with the harness's own code.

    `shots` works like the harness's `--num_fewshot`: a task that fixes 0 keeps it. `encoder` is the
    model's, if it has one; with `chat_template` its template renders the prompts, few-shot examples as separate
    turns. `ids` are the numbers of the documents that are asked, None for all; `system` is the harness's
    `--system_instruction`, for generated texts. Raises `UserError`.
    """
    name, config = loaded.name, dict(loaded.config)
    own = config.get("num_fewshot")
    wanted = own if shots is None or own == 0 else shots
    changes = from_mirror(name, config, mirror, shots=wanted or 0) if mirror else {}
    with _harness_random(), _faults(name, "its data cannot be had"):
        task = _instantiate({**copy.deepcopy(config), **changes})
    if getattr(task, "MULTIMODAL", False) or getattr(task, "UNSAFE_CODE", False):
        raise UserError(
            f"{PREFIX}{name} needs images, sound or the running of code, which lsm-eval does not do."
        )
    rolling = task.OUTPUT_TYPE == "loglikelihood_rolling"
    number = 0 if rolling else int(wanted if wanted is not None else task.get_config("num_fewshot") or 0)
    task.set_config(key="num_fewshot", value=number)
    task.set_fewshot_seed(seed=seed or HARNESS_SEED)
    with (
        _harness_random(),
        _faults(name, "its prompts cannot be made"),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        most = None if limit is None else samples_of(limit, len(task.eval_docs))
        docs = list(task.doc_iterator(limit=most))
        task.build_all_requests(
            limit=most,
            system_instruction=system if task.OUTPUT_TYPE == "generate_until" else None,
            apply_chat_template=chat_template,
            fewshot_as_multiturn=chat_template,
            chat_template=_template(name, encoder) if chat_template and encoder else None,
        )
    documents = Documents(name, task, docs, encoder)
    samples = documents.samples()
    if ids is not None:
        places = chosen.indices(ids, [sample.id for sample in samples], f"{PREFIX}{name}")
        samples = tuple(samples[at] for at in places)
    with _faults(name, "its documents cannot be read"):
        data = table(config, task.eval_docs, mirrored=bool(changes), task_config=task.get_config)
    metrics = declared_metrics(documents, _signature(name, task, config))
    definition = loaded.task.model_copy(
        update={
            "request": kind(samples[0].request),
            "metrics": tuple(metric.name for metric in metrics),
            "fewshot": loaded.task.fewshot.model_copy(update={"shots": number}),
        }
    )
    return Built(replace(loaded, task=definition), metrics, data, samples, number)


def _instantiate(config: Mapping[str, Any]) -> Any:
    from lm_eval.tasks import TaskManager

    loaded = TaskManager(include_defaults=False).load([dict(config)])["tasks"]
    (task,) = loaded.values()
    return task


def _template(name: str, encoder: Encoder) -> Callable[..., str]:
    """Renders as the harness's hf backend does, with the date of our own chat prompts."""

    def render(messages: Sequence[chat.Message], add_generation_prompt: bool = True) -> str:
        try:
            with encoder.template.steady():
                return chat.render(encoder.tokenizer, messages, add_generation_prompt=add_generation_prompt)
        except UserError as error:
            raise UserError(f"{PREFIX}{name}: {error}") from error

    return render


@contextlib.contextmanager
def _harness_random() -> Iterator[None]:
    """Seeds the global random generators as the harness does, for tasks that shuffle with them; restores them afterwards."""
    import numpy as np

    ours, numpy_ours = random.getstate(), np.random.get_state()
    random.seed(0)
    np.random.seed(HARNESS_SEED)
    try:
        yield
    finally:
        random.setstate(ours)
        np.random.set_state(numpy_ours)


@contextlib.contextmanager
def _faults(name: str, what: str) -> Iterator[None]:
    """Turns all errors of the harness, a task's own Python or `datasets` into one sentence."""
    import jinja2
    from datasets.exceptions import DatasetsError
    from pyarrow import ArrowException

    faults = (
        DatasetsError, ArrowException, jinja2.TemplateError, ImportError, AttributeError, NameError, LookupError,
        OSError, RuntimeError, TypeError, ValueError, ArithmeticError, AssertionError,
    )  # fmt: skip
    try:
        yield
    except faults as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        hint = "correct the task, or report it to where it comes from"
        if isinstance(error, ImportError):
            hint = "install what it needs"
        elif what.startswith("its data") and isinstance(error, (DatasetsError, OSError, ValueError)):
            hint = "check the network and --offline, or read the data from a mirror (--data-mirror)"
        raise UserError(f"{PREFIX}{name}: {what} ({type(error).__name__}: {reason}): {hint}.") from error


def _signature(name: str, task: Any, config: Mapping[str, Any]) -> str:
    """The signature of this task's numbers: the harness, the task's version, and its whole configuration."""
    content = {
        **task.dump_config(),
        # The data's name in the task, not the place where this run found it.
        **{key: config.get(key) for key in ("dataset_path", "dataset_name", "dataset_kwargs")},
        "num_fewshot": config.get("num_fewshot"),
        "class": config.get("class"),
        "metadata": None,
        **{
            key: config.get(key)
            for key in ("training_split", "fewshot_split", "validation_split", "fewshot_config")
        },
    }
    text = json.dumps(content, sort_keys=True, default=_source)
    text = re.sub(r" at 0x[0-9a-f]+", "", text)
    version = getattr(task, "VERSION", None)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"lm-eval:{require()}/{name}/{version} config:{digest}"


def _source(value: Any) -> str:
    try:
        return getsource(value)
    except (TypeError, OSError):
        return str(value)
