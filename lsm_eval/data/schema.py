"""The part of a task file about its data."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from lsm_eval.names import checked_beside, checked_hub, checked_part
from lsm_eval.strict import Strict, Whole

Split = Annotated[str, AfterValidator(lambda name: checked_part(name, "split"))]
Config = Annotated[str, AfterValidator(lambda name: checked_part(name, "config"))]


class SourceFile(Strict):
    """A file of a data set from outside the hub, in its source's own format."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+$")
    """`<data set>/<path>`: its path in a folder of such files (`--data-files`), plain or with `.gz` added."""
    url: str | None = Field(default=None, pattern=r"^https://")
    """Address to download it from otherwise, at a fixed commit."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Hash of its unpacked content."""


class Dataset(Strict):
    """The source of the rows: exactly one of `hub`, `file`, `files` or `python`."""

    hub: Annotated[str, AfterValidator(checked_hub)] | None = None
    """Hugging Face hub id, `org/name`."""
    config: Config | None = None
    """The hub's config; `default` if it has one unnamed config."""
    configs: tuple[Config, ...] = ()
    """Several configs read one after the other; each row gains the column `config`."""
    split: Split = "test"
    """Split to read. Several of a hub data set, joined by `+`, are read one after the other."""
    revision: str | None = None
    """Commit of the hub repository; None if none is known."""
    converted: bool = False
    """Read the hub's converted Parquet branch, because the data set has a loading script that `datasets` refuses."""
    file: Annotated[str, AfterValidator(checked_beside)] | None = None
    """A .jsonl, .json, .csv or .parquet file in or below the task file's folder, relative to it."""
    files: tuple[SourceFile, ...] = ()
    """Files in their source's own format, downloaded or read from the folder `--data-files`."""
    reader: str | None = None
    """With `files`: `module:function` that takes the list of their paths, in order, and returns the rows as a
    list of dicts. Without it they must be .jsonl, .json or .csv, and each row gains the column `source_file`."""
    reshape: str | None = None
    """With `hub`: `module:function` that takes the rows of one config, with `columns`, and returns the rows that the
    task uses (such as one for each of a list of prompts). These are rendered and hashed, with all their columns."""
    python: str | None = None
    """`module:function` of an installed package, or `file.py:function` beside the task file, that returns the rows as
    a list of dicts. `tasks.trust` says which functions a file may name, also for `reader` and `reshape`."""
    arguments: dict[str, Any] = {}
    """Keyword arguments for `python`, `reader` or `reshape`."""
    columns: tuple[str, ...] = Field(min_length=1)
    """The columns that the task uses; all others are dropped before anything is rendered or hashed."""
    first: Whole | None = Field(default=None, ge=1)
    """Only the first so many rows of each config, counted before `where`; None for all."""
    where: str | None = None
    """Jinja expression over the columns; rows for which it is false are left out."""
    ids: Annotated[str, AfterValidator(lambda path: checked_beside(path, up=True))] | None = None
    """A text file beside the task file with one value of `id_column` per line: only these rows are used, in this order."""
    id_column: str | None = None
    """Column with the row's name; None for the row's number."""
    sha256: str | dict[str, str] | None = None
    """Hash of the canonical content of `columns` (after `where` and `ids`); a mapping config → hash with
    `configs`. None only while a task is being written."""

    @model_validator(mode="after")
    def _one_source(self) -> Dataset:
        given = [name for name in ("hub", "file", "files", "python") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError("give exactly one of hub, file, files or python")
        if self.reader and not self.files:
            raise ValueError("reader goes with files")
        if self.reshape and not self.hub:
            raise ValueError("reshape goes with hub")
        if self.hub and not (self.config or self.configs):
            raise ValueError("a hub dataset needs config (or configs); `default` where there is only one")
        if self.config and self.configs:
            raise ValueError("give config or configs, not both")
        if self.ids and not self.id_column:
            raise ValueError("ids needs id_column")
        return self
