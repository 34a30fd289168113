"""Metrics by name: the table, options, other packages, and modules of `evaluate`."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import CorpusMetric, Metric
from lsm_eval.requests import Answer, Generate, Generated, Likelihood, Perplexity, Request, Score, Scored
from lsm_eval.scoring import built_in, registry
from lsm_eval.scoring.registry import check, create, describe, names
from lsm_eval.tasks.sample import Sample

PLUGIN = """
from lsm_eval.metrics.common import MeanMetric, counted

class Length(MeanMetric):
    default_name = "plugin_length"
    unit = "other"

    def __init__(self, *, factor: int = 1) -> None:
        super().__init__()
        self.factor = factor

    def measure(self, sample, answer):
        return counted(self.factor * len(answer.text))

not_callable = 3

def no_metric():
    return 3
"""
ENTRY_POINTS = """[lsm_eval.metrics]
plugin_length = lsm_plugin:Length
plugin_broken = lsm_plugin_that_is_missing:Metric
plugin_three = lsm_plugin:not_callable
plugin_none = lsm_plugin:no_metric
"""
MODULE = """
import datasets
import evaluate


class SameLength(evaluate.Metric):
    def _info(self):
        return evaluate.MetricInfo(
            description="Share of predictions as long as their reference.",
            citation="",
            inputs_description="",
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
            ),
        )

    def _compute(self, predictions, references, factor=1):
        same = sum(len(p) == len(r) for p, r in zip(predictions, references))
        return {"labels": ["same"], "share": factor * same / len(predictions), "same": same}
"""


NEEDED: dict[str, dict[str, Any]] = {
    "pass@k": {"k": 1},
    "maj@k": {"k": 1},
    "detected": {"detector": "refusal"},
    "detected_corrected": {"detector": "refusal"},
    "detected_unknown": {"detector": "refusal"},
    "expected_max_toxicity": {"detector": "toxicity_lexical"},
    "toxicity_probability": {"detector": "toxicity_lexical"},
    "membership_auroc": {"attack": "loss"},
    "membership_gain": {"attack": "loss"},
    "membership_tpr": {"attack": "loss"},
}
"""Options that a metric cannot do without."""


@pytest.mark.parametrize("name", sorted(registry.BUILT_IN))
def test_the_table_tells_what_the_metric_is(name: str) -> None:
    spec: Any = {name: {**NEEDED[name], "name": name}} if name in NEEDED else name
    metric, entry = create(spec), registry.BUILT_IN[name]
    assert isinstance(metric, (Metric, CorpusMetric))
    assert (metric.name, metric.unit, metric.higher_is_better) == (name, entry.unit, entry.higher_is_better)
    assert isinstance(metric, CorpusMetric) or metric.mean or not metric.proportion
    assert metric.signature


def test_every_metric_reads_the_kind_it_says_and_refuses_others() -> None:
    answers: dict[str, Answer] = {
        "score": Scored((), (), ()),
        "generate": Generated("", 0, "stop"),
        "perplexity": Likelihood(-1, 1),
    }
    requests: dict[str, Request] = {
        "score": Score("", ()),
        "generate": Generate(""),
        "perplexity": Perplexity(""),
    }
    metadata = {"context_condition": "ambig", "biased": 0, "unknown": 1, "secrets": ["x"]}
    for name, entry in registry.BUILT_IN.items():
        for kind, answer in answers.items():
            if kind in entry.supports:
                check(name, kind)
                continue
            known = " and ".join(entry.supports)
            with pytest.raises(
                UserError, match=f"{re.escape(name)}.*reads answers to {known} requests.*asks {kind}"
            ):
                check(name, kind)
            if name not in built_in.ENTRIES and not name.startswith(("bbq_", "leak_")):
                continue  # those read the sample's metadata first; their own tests hand them wrong answers
            # A metric over one context only has no say, and so no complaint, in the other one.
            context = (
                "disambig"
                if name in ("bbq_acc_disambig", "bbq_bias_disambig", "bbq_alignment_cost")
                else "ambig"
            )
            sample = Sample("s", requests[kind], (), metadata={**metadata, "context_condition": context})
            metric: Any = create({name: NEEDED[name]} if name in NEEDED else name)
            whole = isinstance(metric, CorpusMetric)
            ask = (
                partial(metric.compute, [sample], [answer])
                if whole
                else partial(metric.measure, sample, answer)
            )
            with pytest.raises(UserError, match=f"reads answers to {entry.supports[0]}"):
                ask()


def test_listing_imports_nothing_heavy() -> None:
    code = (
        "import sys; from lsm_eval.scoring import registry; registry.describe(); "
        "print(sorted({'numpy','scipy','sacrebleu','evaluate','datasets','nltk','pydantic'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("bleau", "unknown metric 'bleau': did you mean 'bleu'"),
        ({"bleu": {"tokenise": "zh"}}, "no option 'tokenise': did you mean 'tokenize'"),
        ({"acc": {"tokenize": "zh"}}, "'acc' has no option 'tokenize': it has name"),
        ({"bleu": {"offline": True}}, "no option 'offline'"),
    ],
)
def test_mistakes_name_the_nearest(spec: Any, words: str) -> None:
    for refused in (lambda: create(spec), lambda: check(spec, "generate")):
        with pytest.raises(UserError, match=words):
            refused()


@pytest.mark.parametrize(
    "spec",
    [{"bleu": {"lowercase": "perhaps"}}, {"rouge1": {"tokenize": "zh"}}, {"exact_match": {"extract": 5}}],
)
def test_values_of_options_are_checked(spec: Any) -> None:
    with pytest.raises(UserError, match="is not valid"):
        create(spec)


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package, as far as Python can tell."""
    (tmp_path / "lsm_plugin.py").write_text(PLUGIN)
    info = tmp_path / "lsm_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lsm-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("plugin")
def test_another_package_adds_a_metric() -> None:
    assert "plugin_length" in names()
    assert describe()["plugin_length"].origin == "lsm-plugin"
    metric: Any = create({"plugin_length": {"factor": 2}})
    assert metric.measure(Sample("s", Generate("p")), Generated("abc", 1, "stop")).value == 6
    with pytest.raises(UserError, match="did you mean 'factor'"):
        create({"plugin_length": {"factors": 2}})


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize("name", ["plugin_broken", "plugin_three", "plugin_none"])
def test_a_package_that_is_broken_is_named(name: str) -> None:
    with pytest.raises(UserError, match=f"{name}.*lsm-plugin"):
        create(name)
    assert create("acc").name == "acc"


def test_a_name_taken_twice_is_refused(plugin: None, tmp_path: Path) -> None:
    points = tmp_path / "lsm_plugin-1.0.dist-info" / "entry_points.txt"
    points.write_text("[lsm_eval.metrics]\nacc = lsm_plugin:Length\n")
    with pytest.raises(UserError, match=r"'acc' is built in.*lsm-plugin"):
        create("acc")


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that holds a real script of the `evaluate` library."""
    folder = tmp_path / "same_length"
    folder.mkdir()
    (folder / "same_length.py").write_text(MODULE)
    return tmp_path


def test_a_module_of_evaluate_is_a_metric(module: Path) -> None:
    metric = create("evaluate:./same_length", offline=True, folder=module)
    assert isinstance(metric, CorpusMetric)
    assert metric.name == "evaluate:same_length"
    samples = [Sample("a", Generate("p"), ("cat",)), Sample("b", Generate("p"), ("horse",))]
    answers = [Generated("dog", 1, "stop"), Generated("dog", 1, "stop")]
    # The first number of the result is taken, past a list.
    assert metric.compute(samples, answers) == 0.5
    assert metric.compute(samples[:1], answers[:1]) == 1.0
    options = {"key": "same", "name": "twice", "higher_is_better": True, "factor": 2}
    other = create({"evaluate:./same_length": options}, offline=True, folder=module)
    assert (other.name, other.higher_is_better) == ("twice", True)
    assert other.compute(samples, answers) == 1.0  # type: ignore[union-attr]
    assert "factor:2" in other.signature
    assert "script:" in other.signature


def test_a_module_of_evaluate_reads_choices(module: Path) -> None:
    metric: Any = create("evaluate:./same_length", offline=True, folder=module)
    sample = Sample("a", Score("q", ("cat", "horse")), (1,), ("cat", "horse"))
    assert metric.compute([sample], [Scored((-2.0, -1.0), (1, 1), (False, False))]) == 1.0
    assert metric.compute([sample], [Scored((-1.0, -2.0), (1, 1), (False, False))]) == 0.0


def test_mistakes_with_a_module_of_evaluate(module: Path) -> None:
    path = "evaluate:./same_length"
    samples, answers = [Sample("a", Generate("p"), ("cat",))], [Generated("dog", 1, "stop")]
    for options, words in (
        ({"key": "nope"}, "labels, share, same"),
        ({"key": "labels"}, "no number"),
        ({"facto": 1}, "facto"),
    ):
        metric: Any = create({path: options}, offline=True, folder=module)
        with pytest.raises(UserError, match=words):
            metric.compute(samples, answers)
    metric = create(path, offline=True, folder=module)
    with pytest.raises(UserError, match="one reference"):
        metric.compute([Sample("a", Generate("p"), ("cat", "dog"))], answers)
    with pytest.raises(UserError, match="check the path"):
        create("evaluate:./nothing", offline=True, folder=module)
    with pytest.raises(UserError, match=r"lsm_no_such_module.*could not be loaded"):
        create("evaluate:lsm_no_such_module", offline=True, folder=module)
    with pytest.raises(UserError, match="asks perplexity"):
        check(path, "perplexity")
