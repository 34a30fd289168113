"""Detectors by name: built-in ones and those of other packages. Importing this module loads none of them.

Other packages add detectors through the entry-point group `lsm_eval.detectors`: each is a callable without
arguments that returns a `lsm_eval.detectors.base.Detector`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lsm_eval import plugins
from lsm_eval.detectors.base import Detector
from lsm_eval.errors import UserError, unknown

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "lsm_eval.detectors"


@dataclass(frozen=True, slots=True)
class Entry:
    """A description of a detector, available without loading it."""

    description: str
    """What it finds."""
    factory: str
    """`module:name` of the callable that creates it."""
    origin: str = "built-in"
    """`built-in`, or the package that registers it."""
    version: str | None = None
    """The detector's version; None where only the loaded detector knows it."""


BUILT_IN: dict[str, Entry] = {
    "abstention": Entry("an answer that says it does not know", "lsm_eval.detectors.abstention:Abstention", version="2"),
    "copying": Entry("text copied word for word from a source", "lsm_eval.detectors.copying:Copying", version="1"),
    "groundedness": Entry("claims that a source does not bear out", "lsm_eval.detectors.groundedness:Groundedness", version="1"),
    "pii": Entry("personal data: e-mail, telephone, cards, …", "lsm_eval.detectors.pii:PIIDetector", version="2"),
    "presidio": Entry("personal data, by the library Presidio", "lsm_eval.detectors.presidio:PresidioDetector"),
    "refusal": Entry("an answer that declines, wholly or in part", "lsm_eval.detectors.refusal:Refusal", version="2"),
    "sentiment_lexical": Entry("words of good or bad feeling", "lsm_eval.detectors.sentiment_lexical:SentimentLexical"),
    "toxicity_lexical": Entry("words of a list of abuse", "lsm_eval.detectors.lexical_toxicity:LexicalToxicity"),
}  # fmt: skip


def names() -> list[str]:
    """All detectors' names, sorted."""
    return sorted({*BUILT_IN, *(point.name for point in plugins.points(GROUP))})


def describe() -> dict[str, Entry]:
    """Descriptions of all detectors by name, without loading any."""
    others = {
        point.name: Entry(f"from {plugins.package(point)}", point.value, plugins.package(point))
        for point in plugins.points(GROUP)
    }
    return dict(sorted({**others, **BUILT_IN}.items()))


@lru_cache
def load(name: str) -> Detector:
    """The detector of that name, as a shared instance. Raises `UserError` for an unknown name, a name that two packages
    use, or a package whose detector cannot be loaded."""
    others = {point.name: point for point in plugins.points(GROUP)}
    if name in BUILT_IN and name in others:
        raise UserError(
            f"detector {name!r} is built in, and the package {plugins.package(others[name])} registers another of "
            "that name: remove the package, or ask its makers to rename the detector."
        )
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].factory.partition(":")
        detector: Detector = getattr(import_module(module), attribute)()
        return detector
    if name not in others:
        raise unknown("detector", name, names())
    return _made_elsewhere(others[name])


def version(name: str) -> str | None:
    """The detector's version; None if it is not available (a requirement is not installed). Most built-in ones are not loaded for it."""
    known = BUILT_IN.get(name)
    if known is not None and known.version is not None:
        return known.version
    try:
        with plugins.calling(f"detector {name!r}", "update or remove its package"):
            return load(name).version
    except UserError:
        return None


def _made_elsewhere(point: EntryPoint) -> Detector:
    factory: Any = plugins.load(point, f"detector {point.name!r}")
    whose = f"detector {point.name!r} of the package {plugins.package(point)}"
    with plugins.calling(whose, "update or remove that package"):
        made = factory() if callable(factory) else None
        whole = isinstance(made, Detector)
    if not whole:
        raise UserError(
            f"detector {point.name!r} of the package {plugins.package(point)} is no callable that makes a Detector "
            "(see lsm_eval.detectors.base): update or remove that package."
        )
    return made  # type: ignore[return-value]  # its type has been checked
