"""A model that learned planted texts by heart scores as the leaker it is, and one that learned others does not.

Both are trained here, in seconds, and asked through the packaged tasks with a user's own data in place of theirs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from memorising_models import random_texts, train_on

from lsm_eval.benchmarks.privacy.canary_exposure.canaries import canaries, canary_bits
from lsm_eval.data.load import load
from lsm_eval.data.options import DataOptions
from lsm_eval.inference.scoring.plain import row_spreads
from lsm_eval.metrics.joint import join
from lsm_eval.models.base import Model, ModelOptions
from lsm_eval.models.create import create
from lsm_eval.requests import Failure, Generate, Generated, Likelihood, Perplexity, Response, Score
from lsm_eval.scoring.registry import create as create_metric
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.build import BuildOptions, build_samples
from lsm_eval.tasks.registry import LoadedTask, Registry
from lsm_eval.tasks.sample import Sample

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

MEMBERS = random_texts(20, 24, seed=1)
OTHERS = random_texts(20, 24, seed=2)
NEVER = random_texts(20, 24, seed=3)
PLANTED = canaries(1, seed=7)
UNPLANTED = canaries(1, seed=8)


def sentences(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [row["text"].format(secret=row["secret"]) for row in rows]


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that knows the members and the planted canaries by heart."""
    return train_on(tmp_path_factory.mktemp("leaker"), MEMBERS + sentences(PLANTED))


@pytest.fixture(scope="module")
def leaker(leaking: Path) -> Model:
    """The same, ready to be asked."""
    return loaded(leaking)


@pytest.fixture(scope="module")
def innocent(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Knows other texts and other canaries by heart, made in the same way."""
    return loaded(train_on(tmp_path_factory.mktemp("innocent"), NEVER + sentences(UNPLANTED)))


def loaded(folder: Path) -> Model:
    model = create(str(folder), ModelOptions(device="cpu"))
    model.load()
    return model


def ask(model: Model, samples: Sequence[Sample]) -> list[Any]:
    """Responses parallel to the samples."""
    requests = [request for sample in samples for request in sample.requests]
    found: dict[int, Response] = {}
    for batch in model.answer(requests):
        found.update(batch)
    responses = iter([found[at] for at in range(len(requests))])
    return [join([next(responses) for _ in sample.requests]) for sample in samples]


def run(model: Model, name: str, folder: Path, rows: list[dict[str, Any]]) -> dict[str, Estimate]:
    """Estimates by metric of a packaged task over a user's own JSONL."""
    file = folder / "own.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (packaged,) = Registry().resolve([name])
    own = packaged.task.dataset.model_copy(
        update={"hub": None, "python": None, "reshape": None, "arguments": {}, "file": file.name, "sha256": None,
                "columns": tuple(rows[0]), "split": "test"}
    )  # fmt: skip
    task = packaged.task.model_copy(update={"dataset": own})
    table = load(own, base=folder, options=DataOptions(), pinned=None)
    loaded = LoadedTask(task, folder, folder / "own.yaml", own=packaged.own)
    samples = build_samples(loaded, table, None, BuildOptions(shots=0))
    responses = ask(model, samples)
    assert not [response for response in responses if isinstance(response, Failure)]
    found, _ = score_task([create_metric(spec) for spec in task.metrics], samples, responses, seed=0)
    return {metric.name: estimate for metric, estimate in found}


def prefix_rows() -> list[dict[str, Any]]:
    rows = []
    for number, text in enumerate(MEMBERS):
        words = text.split()
        rows += [
            {
                "passage": f"p{number}",
                "prefix_words": count,
                "prefix": " ".join(words[12 - count : 12]),
                "suffix": " " + " ".join(words[12:24]),
            }
            for count in (6, 12)
        ]
    return rows


def value(estimate: Estimate) -> float:
    assert estimate.value is not None
    return estimate.value


def test_extraction(leaker: Model, innocent: Model, tmp_path: Path) -> None:
    known = run(leaker, "verbatim_extraction", tmp_path, prefix_rows())
    assert value(known["verbatim[12]"]) >= 0.9
    assert value(known["edit_similarity[12]"]) >= 0.95
    assert value(known["matched_prefix[12]"]) >= 0.9
    assert known["verbatim"].clusters == len(MEMBERS)
    unknown = run(innocent, "verbatim_extraction", tmp_path, prefix_rows())
    assert value(unknown["verbatim"]) == 0
    assert unknown["verbatim"].high is not None, "nothing extracted is no proof: there is an upper bound"
    assert 0 < unknown["verbatim"].high < 0.2
    assert value(unknown["matched_prefix"]) < 0.2
    assert value(unknown["edit_similarity"]) < value(known["edit_similarity"]) / 1.5


def test_recall_at_a_budget_of_errors(leaker: Model) -> None:
    """Half of the texts were seen; their completions are the more confident ones."""
    texts = MEMBERS + OTHERS
    words = [text.split() for text in texts]
    pairs = [(" ".join(own[:12]), " " + " ".join(own[12:])) for own in words]
    samples = [
        Sample(str(number), Generate(prefix, max_tokens=48, detail=True), target=(suffix,))
        for number, (prefix, suffix) in enumerate(pairs)
    ]
    responses = ask(leaker, samples)
    assert all(isinstance(r, Generated) and (r.logprob is None) == (r.text == "") for r in responses)
    metrics = [create_metric({"extraction_recall": {"errors": 0.1}}), create_metric("verbatim")]
    found = {metric.name: e for metric, e in score_task(metrics, samples, responses, seed=0)[0]}
    assert value(found["verbatim"]) == pytest.approx(0.5, abs=0.06)
    assert value(found["extraction_recall"]) >= 0.45, "the right ones come before the wrong ones"
    assert found["extraction_recall"].low is not None

    scored = [
        Sample(str(number), Score(prefix, (suffix,)), target=(0,))
        for number, (prefix, suffix) in enumerate(pairs)
    ]
    ((_, greedy),), rows_of = score_task(
        [create_metric("greedy_extracted")], scored, ask(leaker, scored), seed=0
    )
    assert value(greedy) == value(found["verbatim"]), "the score alone tells what generating would give"
    assert len(rows_of) == len(samples)


def test_generated_likelihood_is_that_of_the_score(leaker: Model) -> None:
    prompt = " ".join(MEMBERS[0].split()[:12])
    requests = [Generate(prompt, max_tokens=20, detail=True), Generate(prompt, max_tokens=20)]
    found = dict(item for batch in leaker.answer(requests) for item in batch.items())
    detailed, plain = found[0], found[1]
    assert isinstance(detailed, Generated)
    assert isinstance(plain, Generated)
    assert (detailed.text, plain.logprob) == (plain.text, None)
    ((_, scored),) = [
        item for batch in leaker.answer([Score(prompt, (detailed.text,))]) for item in batch.items()
    ]
    assert not isinstance(scored, (Failure, Generated, Likelihood))
    assert detailed.logprob == pytest.approx(scored.logprobs[0], abs=1e-4)


def test_exposure(leaker: Model, innocent: Model, tmp_path: Path) -> None:
    most = 8.0  # log2 of 256 candidates
    rows = [{**row, "repeats": 1} for row in PLANTED]
    bits = sum(canary_bits(row["pattern"]) for row in rows) / len(rows)
    known = run(leaker, "canary_exposure", tmp_path, rows)
    assert value(known["canary_exposure"]) == most
    assert value(known["canary_first"]) == 1
    assert value(known["greedy_extracted"]) == 1
    assert 0.6 * bits < value(known["canary_exposure_extrapolated"]) <= bits
    assert value(known["canary_exposure[1]"]) == most
    unknown = run(innocent, "canary_exposure", tmp_path, rows)
    assert value(unknown["canary_exposure"]) < 3.5
    assert value(unknown["canary_exposure_extrapolated"]) < 4.5
    assert value(unknown["canary_first"]) == 0
    assert value(unknown["greedy_extracted"]) == 0


def test_membership(leaker: Model, innocent: Model, tmp_path: Path) -> None:
    attacks = ("loss", "zlib", "min_k", "min_k_pp")
    rows = [
        {"region": f"r{number}", "text": text, "member": number < len(MEMBERS)}
        for number, text in enumerate(MEMBERS + OTHERS)
    ]
    known = run(leaker, "membership_demo", tmp_path, rows)
    for attack in attacks:
        auroc, gain = known[f"membership_auroc_{attack}"], known[f"membership_gain_{attack}"]
        assert value(auroc) > 0.98
        assert auroc.low is not None
        assert auroc.low > 0.8
        assert gain.low is not None
        assert gain.low > 0.1, "far better than what the texts give away"
    tpr = known["membership_tpr_loss"]
    assert (tpr.value, tpr.method) == (None, "none (20 negatives; a rate of 0.01 takes 67)")
    unknown = run(innocent, "membership_demo", tmp_path, rows)
    assert unknown["membership_blind_auroc"] == known["membership_blind_auroc"], "it never looks at the model"
    for attack in attacks:
        auroc, gain = unknown[f"membership_auroc_{attack}"], unknown[f"membership_gain_{attack}"]
        assert auroc.low is not None
        assert auroc.high is not None
        assert auroc.low <= 0.5 <= auroc.high
        assert gain.low is not None
        assert gain.low < 0, "it beats nothing"


def test_detail_agrees_with_the_plain_answer(leaker: Model, leaking: Path) -> None:
    """Sums, mean and deviation, against the whole distribution computed here; in windows, too."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(leaking)
    tokenizer = AutoTokenizer.from_pretrained(leaking)
    texts = [MEMBERS[0], OTHERS[0], " ".join(MEMBERS[:8])]
    requests = [Perplexity(text, detail=True) for text in texts] + [Perplexity(text) for text in texts]
    found = dict(item for batch in leaker.answer(requests) for item in batch.items())
    for number, text in enumerate(texts):
        detailed, plain = found[number], found[number + len(texts)]
        assert isinstance(detailed, Likelihood)
        assert isinstance(plain, Likelihood)
        assert (plain.each, plain.means, plain.deviations) == ((), (), ())
        assert detailed.tokens == plain.tokens == len(detailed.each) == len(detailed.deviations)
        assert detailed.logprob == pytest.approx(plain.logprob, abs=1e-3)
        assert sum(detailed.each) == pytest.approx(detailed.logprob, abs=1e-6)
        ids = tokenizer(text)["input_ids"]
        if len(ids) > 190:
            continue  # windows: the sums are all that can be checked so simply
        with torch.inference_mode():
            logprobs = model(torch.tensor([ids])).logits[0, :-1].double().log_softmax(-1)
        probabilities = logprobs.exp()
        mean = (probabilities * logprobs).sum(-1)
        variance = (probabilities * logprobs**2).sum(-1) - mean**2
        target = logprobs[torch.arange(len(ids) - 1), torch.tensor(ids[1:])]
        assert detailed.each == pytest.approx(target.tolist(), abs=1e-3)
        assert detailed.means == pytest.approx(mean.tolist(), abs=1e-3)
        assert detailed.deviations == pytest.approx(variance.clamp(min=0).sqrt().tolist(), abs=5e-3)
    assert len(tokenizer(texts[2])["input_ids"]) > 192, "one of the texts is longer than the context"


def test_spreads_of_certain_and_even_distributions() -> None:
    import torch

    logits = torch.tensor([[0.0, 0.0, 0.0, 0.0], [200.0, 0.0, 0.0, -math.inf]])
    means, deviations = row_spreads(logits)
    assert means == pytest.approx([-math.log(4), 0.0], abs=1e-6)
    assert deviations == pytest.approx([0.0, 0.0], abs=1e-6)
