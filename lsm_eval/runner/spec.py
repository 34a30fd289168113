"""What a run is asked to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lsm_eval.data.options import DataOptions
from lsm_eval.judging.reading import Reading
from lsm_eval.models.base import ModelOptions
from lsm_eval.reasoning.answered import Mode
from lsm_eval.results.redaction import Redact, withholds
from lsm_eval.runner.generation import Generation
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
    """What the record calls the model (`results.names.checked_name`); None for the name that it has of itself."""
    limit: Limit | None = None
    """Only so many samples of each task, or such a share, drawn over its groups and clusters."""
    first: bool = False
    """With `limit`: the first so many, in the order of the data."""
    sample_ids: Sequence[str] = ()
    """Only these samples (`tasks.chosen`); empty for all."""
    shots: int | None = None
    """Examples before each question; None for each task's own number."""
    seed: int = 0
    perturb: Sequence[str] = ()
    """Wordings in which each task is asked once more (`robustness.variant`)."""
    chat: ChatMode = "auto"
    """Chat templates: `auto` leaves it to the task, `on` and `off` override it."""
    reasoning: Mode = "auto"
    """What becomes of a reasoning model's thoughts."""
    choices: Choices = "auto"
    """How tasks that score choices are asked: by their likelihoods; or to write the label of one (`generate`: held to the
    labels where the model can be; `parsed`: never). `auto`: by likelihoods where the model tells any."""
    max_tokens: int | None = None
    """Most new tokens of a generated text; None for each task's own number."""
    reasoning_tokens: int | None = None
    """Most tokens of the thoughts before it, beside `max_tokens`; None where both share these."""
    reasoning_effort: str | None = None
    """How much the model is asked to think (`reasoning.effort`); None for what it does by itself."""
    generation: Generation = field(default_factory=Generation)
    """How texts are written, in place of what tasks say."""
    options: ModelOptions = field(default_factory=ModelOptions)
    data: DataOptions = field(default_factory=DataOptions)
    include: Sequence[Path] = ()
    include_code: bool = False
    """Whether included task files may run Python files beside them (`tasks.trust`)."""
    out: Path = Path("reports")
    store: Path | None = None
    """Folder of the response store; None keeps nothing."""
    judge: JudgeSpec | None = None
    """Which model judges, as it was called for; the model itself is made of it beside the run."""
    judge_read: Reading | None = None
    """How a judge's answers are read; None for the likelihood where it can tell it, otherwise what it writes."""
    strict: bool = False
    """Refuse the run where one of its tasks cannot be asked, instead of leaving that task out."""
    redact: Redact = "none"
    """Of which tasks the record withholds texts."""
    max_cost: int | None = None
    """Picodollars (`money`) that asking servers may cost, the judge's included; None for no limit."""
    prices: Path | None = None
    """A file of prices (`endpoints.cost.lookup.read_prices`)."""
    command: Sequence[str] = ()
    """As it will stand in the record."""

    def most(self, rows: int) -> int | None:
        """How many samples `limit` is of a task with so many; None without one."""
        return None if self.limit is None else samples_of(self.limit, rows)

    def redacts(self, task: Task) -> bool:
        """Whether texts of a task are withheld."""
        return withholds(self.redact, sensitive=task.sensitive, redistributable=task.redistributable)
