"""The shipped task files: they hold to the schema, their data to the pins, and their items to good practice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from lsm_eval.benchmarks.privacy.pii_leak.people import ATTACKS, iban_valid, luhn_valid, records
from lsm_eval.data import DataOptions, Table, load
from lsm_eval.errors import UserError
from lsm_eval.requests import Generate, Perplexity, Score
from lsm_eval.scoring import registry as metrics
from lsm_eval.tasks.build import BuildOptions, build_samples, where_filter
from lsm_eval.tasks.registry import LoadedTask, Registry, load_task
from lsm_eval.tasks.sample import Sample

REGISTRY = Registry()
HUB = sorted(name for name, file in REGISTRY.tasks.items() if "hub" in file.content["dataset"])
FILES = sorted(name for name, file in REGISTRY.tasks.items() if "files" in file.content["dataset"])
OWN = sorted(set(REGISTRY.tasks) - set(HUB) - set(FILES))

Read = Callable[..., Table]


def task(name: str) -> LoadedTask:
    return load_task(REGISTRY.tasks[name])


def rows_of(name: str, mirror: Path | None, split: str | None = None, files: Path | None = None) -> Table:
    """The task's rows, checked against its pin (or the pin of its examples' split)."""
    loaded = task(name)
    dataset = loaded.task.dataset
    pinned = loaded.task.fewshot.sha256 if split else dataset.sha256
    assert pinned, f"{name} pins no content"
    return load(
        dataset,
        split=split,
        base=loaded.folder,
        options=DataOptions(mirror=mirror, files=files, offline=True),
        pinned=pinned,
        keep=where_filter(loaded),
    )


def samples_of(
    name: str, mirror: Path | None, limit: int | None = None, files: Path | None = None
) -> list[Sample]:
    loaded = task(name)
    few = loaded.task.fewshot
    examples = rows_of(name, mirror, few.split) if few.shots and few.split else None
    options = BuildOptions(shots=few.shots, limit=limit)
    return build_samples(loaded, rows_of(name, mirror, files=files), examples, options)


def check_samples(samples: list[Sample]) -> None:
    for sample in samples:
        request = sample.request
        if isinstance(request, Score):
            assert len(request.continuations) == len(sample.choices) > 0
            assert all(choice.strip() for choice in sample.choices), sample.id
            assert len(set(sample.choices)) == len(sample.choices), sample.id
            # Ratings, canaries and genders of occupations have no right choice.
            assert sample.target or sample.metadata, sample.id
            assert all(isinstance(i, int) and 0 <= i < len(sample.choices) for i in sample.target)
        elif isinstance(request, Generate):
            assert request.prompt.strip()
            assert sample.target or sample.metadata, sample.id
            assert all(isinstance(text, str) and text.strip() for text in sample.target), sample.id
        else:
            assert isinstance(request, Perplexity)
            assert request.text.strip()


@pytest.mark.parametrize("name", sorted(REGISTRY.tasks))
def test_task_file_is_sound(name: str) -> None:
    loaded = task(name)
    assert loaded.path.stem == loaded.task.task
    assert loaded.task.dataset.sha256, "every task pins its content"
    if loaded.task.fewshot.split:
        assert loaded.task.fewshot.sha256, "and that of its examples' split"
    for spec in loaded.task.metrics:
        metrics.check(spec, loaded.task.request)
    # A line break that YAML folded away would stand in the prompt, as would a template that nobody closes.
    prompt = loaded.task.prompt + loaded.task.instruction
    assert "\\n" not in prompt
    assert prompt.count("{%") == prompt.count("%}")
    names = {metrics.create(spec, offline=True).name for spec in loaded.task.metrics}
    assert len(names) == len(loaded.task.metrics)
    assert {reference.metric.partition("[")[0] for reference in loaded.task.references} <= names


@pytest.mark.parametrize("name", sorted(REGISTRY.suites))
def test_suites_name_tasks_that_exist(name: str) -> None:
    resolved = REGISTRY.resolve([name])
    assert len(resolved) > 1
    assert REGISTRY.suites[name].path.stem == name


def test_the_full_safety_suite_has_every_task_of_its_areas() -> None:
    areas = ("bias", "hallucination", "privacy", "safety")
    full = {loaded.task.task for loaded in REGISTRY.resolve(["safety-full"])}
    assert full == {
        name
        for name, file in REGISTRY.tasks.items()
        if file.content["area"] in areas and not name.startswith("quickstart_")
    }
    core = REGISTRY.resolve(["safety-core"])
    assert {loaded.task.task for loaded in core} < full
    assert {loaded.task.area for loaded in core} == set(areas)


def test_every_task_of_safety_has_a_page(repo: Path) -> None:
    pages = " ".join(
        path.read_text(encoding="utf-8")
        for path in (*repo.glob("docs/*/*.md"), *repo.glob("tasks/*/*/README.md"))
    )
    for loaded in REGISTRY.resolve(["safety-full"]):
        assert f"`{loaded.task.task}`" in pages, loaded.task.task


@pytest.mark.parametrize("name", OWN)
def test_own_data_renders_and_is_as_pinned(name: str) -> None:
    samples = samples_of(name, mirror=None)
    check_samples(samples)
    prompts = Counter(str(sample.request) for sample in samples)
    assert max(prompts.values()) == 1, "an item stands there twice"


@pytest.mark.parametrize("name", HUB)
def test_hub_data_renders_and_is_as_pinned(name: str, hub_mirror: Path) -> None:
    table = rows_of(name, hub_mirror)
    assert table.pinned
    split = task(name).task.fewshot.split
    if split:
        assert rows_of(name, hub_mirror, split).pinned
    check_samples(samples_of(name, hub_mirror, limit=5))


@pytest.mark.parametrize("name", FILES)
def test_source_files_render_and_are_as_pinned(name: str, data_files: Path) -> None:
    sources = {file.name.split("/")[0] for file in task(name).task.dataset.files}
    if lacking := sorted(source for source in sources if not (data_files / source).is_dir()):
        pytest.skip(f"{data_files} has no {lacking[0]}")
    assert rows_of(name, None, files=data_files).pinned
    check_samples(samples_of(name, None, limit=5, files=data_files))


@pytest.mark.parametrize("name", ["truthfulqa_mc", "bbq", "arc_easy", "arc_challenge", "crows_pairs"])
def test_every_row_of_the_hub_data_renders(name: str, hub_mirror: Path) -> None:
    samples = samples_of(name, hub_mirror)
    assert len(samples) == len(rows_of(name, hub_mirror).rows)
    check_samples(samples)


@pytest.mark.parametrize("name", ["gsm8k", "quickstart_en_de"])
def test_a_header_holds_the_shots_and_the_question_once(name: str, hub_mirror: Path) -> None:
    loaded = task(name).task
    for sample in samples_of(name, hub_mirror, limit=20):
        assert isinstance(sample.request, Generate)
        parts = sample.request.prompt.split("\n\n")
        assert len(parts) == loaded.fewshot.shots + 1
        assert parts[-1] not in {"\n".join(part.split("\n")[:1]) for part in parts[:-1]}
        assert sample.request.prompt.endswith(("Answer:", "German sentence:"))


def test_people_are_the_same_every_time_and_checksums_hold() -> None:
    rows = records(n=50, seed=1)
    assert rows == records(n=50, seed=1)
    assert rows[: 10 * len(ATTACKS)] == records(n=10, seed=1)
    assert rows != records(n=50, seed=2)
    assert len({row["name"] for row in rows}) == 50
    for row in rows:
        secret = {entry["type"]: entry["value"] for entry in row["secrets"]}
        assert all(value in row["record"] for value in secret.values())
        assert all(value not in row["request"] for value in secret.values())
        assert luhn_valid(secret["card"])
        assert secret["card"].startswith("4000 00")
        assert iban_valid(secret["iban"])
        assert re.fullmatch(r"DE\d\d 0\d{3}( \d{4}){3} \d\d", secret["iban"])
        assert re.fullmatch(r"9\d\d-(0[1-9]|[1-4]\d)-\d{4}", secret["ssn"])
        assert re.fullmatch(r"\(\d{3}\) 555-01\d\d", secret["phone"])
        assert re.search(r"@example\.(com|org|net)$", secret["email"])
        assert re.search(r" 00[1-4]\d\d$", secret["address"])


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (luhn_valid, "4111 1111 1111 1111", "4111 1111 1111 1112"),
        (luhn_valid, "79927398713", "79927398712"),
        (iban_valid, "DE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 01"),
        (iban_valid, "GB82 WEST 1234 5698 7654 32", "GB28 WEST 1234 5698 7654 32"),
    ],
)
def test_checksums_of_published_examples(check: Callable[[str], bool], right: str, wrong: str) -> None:
    assert check(right)
    assert not check(wrong)


def test_naming_the_person_is_no_leak() -> None:
    """The attacker knows the name: a completion that only repeats it gives nothing away."""
    from lsm_eval.requests import Generated

    for name in ("pii_leak_context", "quickstart_privacy"):
        table = rows_of(name, None)
        made = records(**task(name).task.dataset.arguments)
        for metric in ("leak_rate", "leak_partial"):
            measure = metrics.create(metric)
            for sample, row in zip(samples_of(name, None), made, strict=True):
                refusal = Generated(f"I cannot tell you anything about {row['name']}.", 9, "stop")
                told = Generated(f"It is {row['secrets'][0]['value']}.", 9, "stop")
                found = [measure.measure(sample, answer) for answer in (refusal, told)]  # type: ignore[union-attr]
                assert [m.value for m in found if m] == [0.0, 1.0], (sample.id, metric)
        assert len(table.rows) == len(made)


def test_an_unknown_attack_is_the_users_mistake() -> None:
    with pytest.raises(UserError, match="unknown attack 'bribe'"):
        records(n=1, seed=1, attacks=["bribe"])


def test_more_people_than_names_is_the_users_mistake() -> None:
    with pytest.raises(UserError, match="names for 1000 people"):
        records(n=1001, seed=1, attacks=["direct"])


def _generating() -> list[LoadedTask]:
    return [loaded for loaded in map(task, sorted(REGISTRY.tasks)) if loaded.task.request == "generate"]


def test_no_shipped_task_cuts_a_reply_in_a_chat() -> None:
    """A line break, a blank line or a heading may begin a reply: what ends a continuation would leave nothing of it."""
    found = {loaded.task.task: loaded.task.stops(chat=True) for loaded in _generating()}
    assert {"dialogsum", "xsum", "trivia_qa", "nq_open", "cited_qa", "bbq_generated"} <= set(found)
    assert set(found.values()) == {()}
    assert load_task(REGISTRY.tasks["dialogsum"]).task.stops(chat=False) == ("\n\n", "\nDialogue:")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nq_open", ["Answer these questions", "a line break between examples", "--apply_chat_template"]),
        ("trivia_qa", ["question mark", "--apply_chat_template", "abstain"]),
        ("lm_extraction", ["98 of 988"]),
        ("harmbench", ["all 400"]),
        ("gsm8k", ["--chat on"]),
    ],
)
def test_departures_from_the_harness_and_the_source_are_declared(name: str, said: list[str]) -> None:
    declared = " ".join(task(name).task.departures)
    assert [part for part in said if part not in declared] == []
