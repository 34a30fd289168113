"""The options of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lsm_eval.data.options import DataOptions
from lsm_eval.judging.reading import Reading
from lsm_eval.models.base import ModelOptions
from lsm_eval.reasoning.answered import Mode
from lsm_eval.results.redaction import Redact, withholds
from lsm_eval.runner.generation_options import Generation
from lsm_eval.runner.judge_spec import JudgeSpec
from lsm_eval.runner.option_values import ChatMode, Choices
from lsm_eval.tasks.limit import Limit, samples_of
from lsm_eval.tasks.schema import Task


@dataclass(frozen=True)
class RunSpec:
    """The effective options of `lsm-eval run`."""

    tasks: Sequence[str]
    """Names, globs and suites."""
    model: str
    name: str | None = None
    """The model's name in the record (`results.names.checked_name`); None for its own name."""
    limit: Limit | None = None
    """The number of samples of each task, or the share of them, drawn over its groups and clusters."""
    first: bool = False
    """With `limit`: take the first samples in the order of the data."""
    sample_ids: Sequence[str] = ()
    """Only these samples (`tasks.chosen`); empty for all."""
    shots: int | None = None
    """Examples before each question; None for each task's own number."""
    seed: int = 0
    perturb: Sequence[str] = ()
    """Additional wordings of each task (`robustness.variant`)."""
    chat: ChatMode = "auto"
    """Chat templates: `auto` leaves it to the task, `on` and `off` override it."""
    reasoning: Mode = "auto"
    """How a reasoning model's thoughts are treated."""
    choices: Choices = "auto"
    """How tasks that score choices are asked: by likelihoods; or to write the label of one (`generate`: constrained to the
    labels if the model supports it; `parsed`: never). `auto`: by likelihoods if the model gives them."""
    max_tokens: int | None = None
    """Most new tokens of a generated text; None for each task's own number."""
    reasoning_tokens: int | None = None
    """Most tokens of the thoughts before it, in addition to `max_tokens`; None if both share `max_tokens`."""
    reasoning_effort: str | None = None
    """How much the model is asked to think (`reasoning.effort`); None for its default."""
    generation: Generation = field(default_factory=Generation)
    """Settings for generated texts, instead of the tasks' own."""
    options: ModelOptions = field(default_factory=ModelOptions)
    data: DataOptions = field(default_factory=DataOptions)
    include: Sequence[Path] = ()
    include_code: bool = False
    """Whether included task files may run the Python files beside them (`tasks.trust`)."""
    out: Path = Path("reports")
    store: Path | None = None
    """Folder of the response store; None stores nothing."""
    judge: JudgeSpec | None = None
    """The judge's options; the judge model itself is created separately."""
    judge_read: Reading | None = None
    """How a judge's answers are read; None for likelihoods if the judge gives them, otherwise its text."""
    strict: bool = False
    """Refuse the run if one of its tasks cannot be asked, instead of leaving that task out."""
    redact: Redact = "none"
    """The tasks whose texts the record withholds."""
    max_cost: int | None = None
    """Picodollars (`money`) that asking servers may cost, the judge's included; None for no limit."""
    prices: Path | None = None
    """A file of prices (`endpoints.cost.lookup.read_prices`)."""
    command: Sequence[str] = ()
    """The command, as the record will have it."""

    def most(self, rows: int) -> int | None:
        """The number of samples that `limit` allows for a task with `rows` samples; None without a limit."""
        return None if self.limit is None else samples_of(self.limit, rows)

    def redacts(self, task: Task) -> bool:
        """Whether the record withholds the texts of a task."""
        return withholds(self.redact, sensitive=task.sensitive, redistributable=task.redistributable)
