"""The safety tasks: their data as pinned, what is asked, what it hangs together by. No prompt is printed."""

from __future__ import annotations

import hashlib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from lsm_eval.data import DataOptions, load
from lsm_eval.errors import UserError
from lsm_eval.metrics.common import metadata
from lsm_eval.metrics.safety.injection_checks import CHECKS as FUNCTIONS
from lsm_eval.requests import Generate, Generated, Score
from lsm_eval.scoring.registry import create
from lsm_eval.scoring.task import score_task
from lsm_eval.tasks.build import BuildOptions, build_samples, where_filter
from lsm_eval.tasks.helpers.real_toxicity import ROWS, real_toxicity_sampled
from lsm_eval.tasks.helpers.safetybench import safetybench_answer
from lsm_eval.tasks.readers.bipia import CHECKS, insert, planted
from lsm_eval.tasks.registry import LoadedTask, Registry, load_task
from lsm_eval.tasks.sample import Sample

REGISTRY = Registry()
COUNTS = {
    "harmbench": 200, "jailbreakbench": 100, "jailbreakbench_benign": 100, "strongreject": 313, "advbench": 520,
    "do_not_answer": 939, "xstest": 450, "bipia_email": 450, "bipia_table": 900, "real_toxicity_prompts": 1000,
    "real_toxicity_prompts_drawn": 1000, "toxigen_hate_women": 1000, "toxigen_hate_muslim": 1000,
    "toxigen_hate_chinese": 1000, "toxigen_neutral_women": 1000, "toxigen_neutral_muslim": 1000,
    "toxigen_neutral_chinese": 1000, "safetybench_zh": 2100,
}  # fmt: skip
REFUSALS = ("harmbench", "jailbreakbench", "strongreject", "advbench", "do_not_answer")


def task(name: str) -> LoadedTask:
    return load_task(REGISTRY.tasks[name])


@cache
def samples(name: str, shared: Path) -> list[Sample]:
    loaded = task(name)
    data = load(
        loaded.task.dataset,
        base=loaded.folder,
        options=DataOptions(mirror=shared / "hub", files=shared / "data", offline=True),
        pinned=loaded.task.dataset.sha256,
        keep=where_filter(loaded),
    )
    return build_samples(loaded, data, None, BuildOptions(shots=0))


@pytest.mark.parametrize("name", COUNTS)
def test_every_task_is_pinned_sensitive_and_whole(name: str, shared: Path) -> None:
    loaded = task(name)
    assert loaded.task.sensitive
    assert loaded.task.area == "safety"
    assert loaded.task.dataset.sha256
    found = samples(name, shared)
    assert len(found) == COUNTS[name]
    assert len({sample.id for sample in found}) == len(found)
    if isinstance(found[0].request, Generate):
        prompts = [r.prompt for s in found for r in s.requests if isinstance(r, Generate)]
        assert all(prompt == prompt.rstrip() or prompt.endswith(" ") for prompt in prompts)
        assert all(prompt.strip() for prompt in prompts)


@pytest.mark.parametrize("name", REFUSALS)
def test_harmful_requests_are_asked_as_they_are_and_not_refusing_is_called_a_bound(
    name: str, shared: Path
) -> None:
    names = [create(spec).name for spec in task(name).task.metrics]
    # Where a judge ran, its figure stands first; where none did, how many were refused does. What was not refused is no
    # figure of success, and is not called one.
    assert names[0] in ("judged_harmful", "strongreject")
    assert names[1:] == [
        "refusal_rate",
        "refusal_rate_corrected",
        "not_refused_upper_bound",
        "not_refused_upper_bound_corrected",
        "refusal_unknown",
    ]
    assert not any("success" in name for name in names)
    for sample in samples(name, shared):
        assert isinstance(sample.request, Generate)
        assert sample.request.system is None
        assert not sample.further


def test_the_two_jailbreakbench_tasks_pair_up(shared: Path) -> None:
    harmful, benign = samples("jailbreakbench", shared), samples("jailbreakbench_benign", shared)
    pairs = [
        (h.metadata["pair"] == b.metadata["pair"], h.metadata["category"] == b.metadata["category"])
        for h, b in zip(harmful, benign, strict=True)
    ]
    assert set(pairs) == {(True, True)}
    assert set(Counter(h.metadata["category"] for h in harmful).values()) == {10}


def test_do_not_answer_has_five_areas_of_risk(shared: Path) -> None:
    found = Counter(str(sample.metadata["risk"]) for sample in samples("do_not_answer", shared))
    assert sorted(found.values()) == [117, 155, 176, 243, 248]
    assert "malicious_uses" in found


def test_xstest_has_as_many_prompts_as_the_paper_and_pairs_share_a_cluster(shared: Path) -> None:
    found = samples("xstest", shared)
    labels = Counter(sample.metadata["label"] for sample in found)
    assert labels == {"safe": 250, "unsafe": 200}
    assert set(Counter(sample.metadata["type"] for sample in found).values()) == {25}
    for sample in found:
        assert (sample.metadata["label"] == "unsafe") == str(sample.metadata["type"]).startswith("contrast_")
    both = {
        cluster
        for cluster in {sample.cluster for sample in found}
        if len({s.metadata["label"] for s in found if s.cluster == cluster}) == 2
    }
    assert len(both) > 100
    over, unsafe = (create(task("xstest").task.metrics[i]) for i in (0, 2))
    assert (over.name, over.higher_is_better) == ("over_refusal", False)
    assert (unsafe.name, unsafe.higher_is_better) == ("refusal_unsafe", True)


def test_bipia_plants_each_instruction_in_each_place_and_asks_without_it_too(shared: Path) -> None:
    for name in ("bipia_email", "bipia_table"):
        found = samples(name, shared)
        assert Counter(Counter(s.metadata["attack_type"] for s in found).values()) == {len(found) // 9: 9}
        places = Counter((s.cluster, s.metadata["position"]) for s in found)
        assert len({cluster for cluster, _ in places}) == 43
        assert len(places) == 3 * 43
        for sample in found:
            attacked, clean = (r.prompt for r in sample.requests if isinstance(r, Generate))
            assert len(attacked) > len(clean)
            check = metadata("test", sample, "check")
            ((kind, needs),) = check.items()
            # The question's own answer must not look like an instruction carried out.
            assert not FUNCTIONS[kind](str(sample.target[0]), clean, needs)


def test_bipias_table_of_checks_covers_its_types_and_leaves_others_out(
    data_files: Path, tmp_path: Path
) -> None:
    rows = planted(
        [data_files / "bipia" / "email_test.jsonl", data_files / "bipia" / "text_attack_test.json"]
    )
    assert {row["attack_type"] for row in rows} == set(CHECKS)
    assert sum(check is not None for checks in CHECKS.values() for check in checks) == 43
    again = planted(
        [data_files / "bipia" / "email_test.jsonl", data_files / "bipia" / "text_attack_test.json"]
    )
    assert rows == again
    other = planted(
        [data_files / "bipia" / "email_test.jsonl", data_files / "bipia" / "text_attack_test.json"], seed=2
    )
    assert rows != other
    fewer = tmp_path / "attacks.json"
    fewer.write_text('{"Base Encoding": ["one"]}')
    with pytest.raises(UserError, match="instructions of the type"):
        planted([data_files / "bipia" / "email_test.jsonl", fewer])


def test_an_instruction_stands_on_a_line_of_its_own() -> None:
    document = "One line.\nAnother line.\nA third."
    for position in ("start", "middle", "end"):
        lines = insert(document, "Do this.", position, seed="1").splitlines()
        assert sorted(lines) == sorted([*document.splitlines(), "Do this."])
    assert insert(document, "Do this.", "start", seed="1").startswith("Do this.\n")
    assert insert(document, "Do this.", "end", seed="1").endswith("\nDo this.")
    one_line = insert("Only one. Two sentences here.", "Do this.", "middle", seed="1")
    assert one_line.splitlines() == ["Only one.", "Do this.", "Two sentences here."]


def test_real_toxicity_takes_half_challenging_ones_named_by_digest(shared: Path) -> None:
    found = samples("real_toxicity_prompts", shared)
    assert Counter(str(sample.metadata["challenging"]) for sample in found) == {"True": 500, "False": 500}
    assert len(ROWS.read_text().split()) == 1000
    assert not real_toxicity_sampled("no such file", 0)
    drawn = samples("real_toxicity_prompts_drawn", shared)[0]
    assert len(drawn.requests) == 26
    assert all(isinstance(r, Generate) and r.temperature == 1 and r.top_p == 0.9 for r in drawn.further)


def test_toxigen_prompts_are_few_sentences_over_and_over(shared: Path) -> None:
    """A thousand prompts are lists of six out of eighteen sentences: as single samples they would look far surer."""
    for name in COUNTS:
        if name.startswith("toxigen"):
            found = samples(name, shared)
            assert 10 <= len({sample.cluster for sample in found}) <= 60, name
            for sample in found:
                assert isinstance(sample.request, Generate)
                assert sample.request.prompt.count("\n") == 6
                assert sample.request.prompt.endswith("\n-")
                assert not sample.request.chat


def test_safetybench_shuffles_its_options_and_knows_the_answers(shared: Path) -> None:
    found = samples("safetybench_zh", shared)
    shown = Counter((len(s.choices), int(s.target[0])) for s in found)
    for number in (2, 3, 4):
        counts = [shown[number, place] for place in range(number)]
        # In the data the right one stands at the first or second place in 71 % of the questions.
        assert max(counts) < 1.3 * sum(counts) / number
    for sample in found:
        assert isinstance(sample.request, Score)
        assert all(f"\n{letter}. " in sample.request.context for letter in sample.choices)
        assert sample.request.context.endswith("答案：")
    assert set(Counter(sample.metadata["category"] for sample in found).values()) == {300}
    with pytest.raises(ValueError, match="no answer"):
        safetybench_answer(10**9)


def test_a_model_that_always_refuses_and_one_that_never_does(shared: Path) -> None:
    """What the rows without a model must score, and that none found of n is not shown as none there is."""
    loaded, found = task("xstest"), samples("xstest", shared)
    for reply, rate in (("I'm sorry, but I can't help with that.", 1.0), ("It is a fork.", 0.0)):
        metrics = [create(spec) for spec in loaded.task.metrics]
        scored, _ = score_task(metrics, found, [Generated(reply, 9, "stop")] * len(found), seed=0)
        by_name = {metric.name: estimate for metric, estimate in scored}
        for name in ("over_refusal", "refusal_unsafe"):
            corrected = by_name[f"{name}_corrected"]
            assert corrected.value is corrected.high is None, "outside what the card allows is not 0, nor 1"
            assert corrected.method.startswith("none (not estimable: ")
            estimate = by_name[name]
            assert estimate.value == rate, name
            assert estimate.low is not None
            assert estimate.high is not None
            assert estimate.high - estimate.low > 0.015, name
        assert by_name["over_refusal"].n == 250
        assert by_name["refusal_rate[homonyms]"].n == 25
        assert by_name["refusal_unknown"].value == 0


def test_one_prompt_in_full_by_its_hash(shared: Path) -> None:
    """Texts of these tasks are not written into the repository; their rendering is held to a hash."""
    digests = {}
    for name in ("xstest", "bipia_table"):
        request = samples(name, shared)[0].request
        assert isinstance(request, Generate)
        said = "\0".join([request.prompt, request.system or "", *request.stop, str(request.max_tokens)])
        digests[name] = hashlib.sha256(said.encode()).hexdigest()[:12]
    assert digests == {"xstest": "3c7f12538781", "bipia_table": "a45bd1553560"}
