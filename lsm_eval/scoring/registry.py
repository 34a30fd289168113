"""Metrics by name: the built-in ones, those of a benchmark's own folder, those of other packages, and the modules of the
`evaluate` library.

Importing this module loads no metric. The metrics of the folders that come with lsm-eval are built in: any task may name
them. Those of another folder (`folders.own_code`) are known only to its tasks, and take precedence there. Another package
adds metrics through the entry-point group `lsm_eval.metrics`, each a callable that takes the options as keyword arguments
and returns a metric.
`evaluate:NAME` and `evaluate:./local/path` load a module of the Hugging Face `evaluate` library.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsm_eval import plugins
from lsm_eval.errors import CodeFault, UserError, unknown
from lsm_eval.folders.own_code import OwnCode, packaged_metrics
from lsm_eval.metrics.entry import Entry
from lsm_eval.scoring import built_in, other_names

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from lsm_eval.metrics.base import AnyMetric
    from lsm_eval.tasks.schema import MetricSpec

GROUP = "lsm_eval.metrics"
EVALUATE = "evaluate:"

_OWN: ContextVar[OwnCode | None] = ContextVar("_OWN", default=None)
"""The code of the task's folder while its metrics are made, so that the option `of` finds its metrics too."""


def names() -> list[str]:
    """The names of all metrics, sorted, without modules of `evaluate`."""
    return sorted({*BUILT_IN, *(point.name for point in plugins.points(GROUP))})


def describe() -> dict[str, Entry]:
    """The entry of every metric, by name, without loading any."""
    others = {point.name: _third_party(point) for point in plugins.points(GROUP)}
    return dict(sorted({**others, **BUILT_IN}.items()))


def parse(spec: MetricSpec) -> tuple[str, dict[str, Any]]:
    """A metric's name and its options."""
    if isinstance(spec, str):
        return spec, {}
    ((name, options),) = spec.items()
    return name, dict(options or {})


def check(spec: MetricSpec, request_kind: str, *, own: OwnCode | None = None) -> None:
    """Raises `UserError` if the metric does not exist, has no such option, or cannot read answers to requests of this
    kind (`score`, `generate`, `perplexity`). `own`: the code of the task's folder, if the task uses it. Downloads nothing
    and loads no metric's libraries."""
    name, options = parse(spec)
    _check_by(name, options.pop("by", None))
    if name.startswith(EVALUATE):
        supports: tuple[str, ...] = ("score", "generate")
    else:
        with _among(own):
            supports = _entry(name).supports
            _check_options(name, _factory(name), options)
    if request_kind not in supports:
        raise UserError(
            f"metric {name!r} reads answers to {' and '.join(supports)} requests, but the task asks {request_kind} "
            f"requests: choose another metric, or set `request: {supports[0]}` in the task."
        )


def create(
    spec: MetricSpec, *, offline: bool = False, folder: Path | None = None, own: OwnCode | None = None
) -> AnyMetric:
    """Makes the metric that a task names. Local paths of `evaluate` modules are relative to `folder` (by default the
    current one); `own` is the code of the task's folder, if the task uses it. Raises `UserError` for an unknown metric or
    option, or a missing dependency."""
    name, options = parse(spec)
    by = options.pop("by", None)
    _check_by(name, by)
    with _among(own):
        metric = _create(name, options, offline=offline, folder=folder)
    if by is None:
        return metric
    from lsm_eval.composed.grouped import grouped

    return grouped(metric, by)


def _check_by(name: str, by: Any) -> None:
    """Checks the option `by`, which every per-sample metric has besides its own."""
    if by is None:
        return
    from lsm_eval.composed.grouped import keys_of

    keys_of(name, by)
    if name.startswith(EVALUATE):
        raise UserError(
            f"metric {name!r} exists over a whole set only and takes no option 'by': leave it out."
        )


def _create(name: str, options: dict[str, Any], *, offline: bool, folder: Path | None) -> AnyMetric:
    if name.startswith(EVALUATE):
        from lsm_eval.scoring.evaluate_module import load

        return load(name.removeprefix(EVALUATE), options, offline=offline, folder=folder or Path())
    _entry(name)
    factory = _factory(name)
    _check_options(name, factory, options)
    if _own(name) or name not in BUILT_IN:
        return _made_elsewhere(name, factory, options)
    if "offline" in inspect.signature(factory).parameters:
        options["offline"] = offline
    return _validated(name, factory, options)


@contextmanager
def _among(own: OwnCode | None) -> Iterator[None]:
    """Within this context, the metrics of this code are known too."""
    token = _OWN.set(own or _OWN.get())
    try:
        yield
    finally:
        _OWN.reset(token)


def _own(name: str) -> Entry | None:
    """The metric of the task's own folder; None for others, and for a folder that comes with lsm-eval."""
    own = _OWN.get()
    return None if own is None or own.packaged else own.metric(name)


def _entry(name: str) -> Entry:
    if found := _own(name):
        return found
    others = {point.name: point for point in plugins.points(GROUP)}
    if name in BUILT_IN and name in others:
        raise UserError(
            f"metric {name!r} is built in, and the package {plugins.package(others[name])} registers another of that "
            "name: remove the package, or ask its makers to rename the metric."
        )
    if name in BUILT_IN:
        return BUILT_IN[name]
    if name in others:
        return _third_party(others[name])
    if (ours := other_names.ours(name)) is not None:
        raise UserError(f"unknown metric {name!r}: did you mean {ours}?")
    own = _OWN.get()
    raise unknown("metric", name, [*names(), *(own.metric_names() if own else ())])


def _third_party(point: EntryPoint) -> Entry:
    package = plugins.package(point)
    return Entry(f"from {package}", None, point.value, None, ("score", "generate", "perplexity"), package)


def _factory(name: str) -> Callable[..., Any]:
    if (own := _OWN.get()) and _own(name):
        return own.made_by(name)
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].factory.partition(":")
        built_in: Callable[..., Any] = getattr(import_module(module), attribute)
        return built_in
    point = next(point for point in plugins.points(GROUP) if point.name == name)
    factory = plugins.load(point, f"metric {name!r}")
    if not callable(factory):
        raise UserError(
            f"metric {name!r} of the package {plugins.package(point)} is no callable that makes a metric: "
            "update or remove that package."
        )
    return factory  # type: ignore[no-any-return]


def _check_options(name: str, factory: Callable[..., Any], options: dict[str, Any]) -> None:
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return  # its options show when it is called
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    known = [option for option in parameters if option not in ("self", "offline")]
    for option in options:
        if option not in known:
            near = difflib.get_close_matches(str(option), known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known)}."
            raise UserError(f"metric {name!r} has no option {option!r}: {hint}")


def _validated(name: str, factory: Callable[..., Any], options: dict[str, Any]) -> AnyMetric:
    """Makes the metric, with each option checked against its annotation."""
    from pydantic import ConfigDict, ValidationError, validate_call

    made = validate_call(config=ConfigDict(strict=True))(_as_function(factory))
    try:
        metric: AnyMetric = made(**options)
    except ValidationError as error:
        first = error.errors()[0]
        option = first["loc"][0] if first["loc"] else ""
        raise UserError(
            f"metric {name!r}: option {option!r} is not valid ({first['msg']}; got {first['input']!r}): "
            "correct it in the task."
        ) from error
    return metric


def _as_function(factory: Callable[..., Any]) -> Callable[..., Any]:
    """A function with the factory's signature and resolved annotations, which pydantic needs for a class."""
    target = factory.__init__ if inspect.isclass(factory) else factory
    hints = {
        key: hint for key, hint in inspect.get_annotations(target, eval_str=True).items() if key != "return"
    }

    def made(**options: Any) -> Any:
        return factory(**options)

    made.__signature__ = inspect.signature(factory)  # type: ignore[attr-defined]
    made.__annotations__ = hints
    return made


def _made_elsewhere(name: str, factory: Callable[..., Any], options: dict[str, Any]) -> AnyMetric:
    from lsm_eval.metrics.base import CorpusMetric, Metric
    from lsm_eval.metrics.common import Described

    whose, then = f"metric {name!r} of the package {_entry(name).origin}", "update or remove that package"
    if found := _own(name):
        whose, then = f"metric {name!r} of {found.origin}", "mend it"
    try:
        with plugins.calling(whose, then, passing=(TypeError, ValueError)):
            metric = factory(**options)
    except (TypeError, ValueError) as error:
        raise CodeFault(f"{whose} refuses its options ({error}): correct them.") from error
    wanted = (
        "name",
        "unit",
        "higher_is_better",
        "signature",
        "proportion",
        "mean",
        "measure",
        "aggregate",
    )
    with plugins.calling(whose, then):
        if isinstance(metric, Described) and not callable(getattr(metric, "options", None)):
            raise UserError(
                f"{whose} has `options` that is no method (`def options(self)`, without @property): {then}."
            )
        # Reads them too: a fault in one would otherwise show only once all answers are there.
        lacking = [attribute for attribute in wanted if not hasattr(metric, attribute)]
        fits = isinstance(metric, (Metric, CorpusMetric))
    if not fits:
        raise UserError(
            f"{whose} is neither a Metric (it lacks {', '.join(lacking)}) nor a CorpusMetric (see "
            f"lsm_eval.metrics.base): {then}."
        )
    return metric  # type: ignore[no-any-return]


BUILT_IN: dict[str, Entry] = {
    **built_in.ENTRIES,
    **packaged_metrics(),
}
