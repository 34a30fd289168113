"""Budgets of thoughts, fewer bits and adapters: what is another measurement, and what another model."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import GENERATE, QUESTIONS, Runner, call, write_task, write_tasks
from tiny_models import CHAT, save_model

from lsm_eval.leaderboard.naming import identity
from lsm_eval.results.model_rows import ModelRow
from lsm_eval.results.names import model_folder, shown_name
from lsm_eval.results.reader import read_record

SWITCHES = (
    CHAT + "{% if add_generation_prompt and enable_thinking is defined and not enable_thinking %}"
    "<think>\n\n</think>\n\n{% endif %}"
)


@dataclass(frozen=True)
class Settings:
    """Records of one checkpoint, by how it was run."""

    tasks: Path
    reports: Path
    plain: Path
    tokens: Path
    """`--reasoning-tokens 6`"""
    more_tokens: Path
    effort: Path
    """`--reasoning-effort none`"""
    adapters: tuple[Path, Path]


def save_adapter(checkpoint: Path, folder: Path, seed: int) -> Path:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    base = AutoModelForCausalLM.from_pretrained(checkpoint)
    model = get_peft_model(base, LoraConfig(r=2, target_modules=["q_proj", "up_proj"]))
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.5)
    model.save_pretrained(str(folder))
    return folder


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    pytest.importorskip("peft", reason="needs peft: pip install 'lsm-eval[peft]'")
    folder = tmp_path_factory.mktemp("settings")
    model = save_model(folder / "tiny", chat=SWITCHES, context=256, initializer_range=0.1)
    tuned = [save_adapter(model, folder / name, seed) for seed, name in enumerate(("polite", "terse"))]
    tasks = write_tasks(folder / "tasks")
    write_task(tasks, "say", QUESTIONS, **{**GENERATE, "chat": "on"})
    run = Runner(model, tasks, folder / "reports")

    def records(*more: str | Path) -> list[Path]:
        done = run(*more, tasks="choose,say")
        assert done.code == 0, done.err
        said = (line.partition("record: ") for line in done.out.splitlines())
        return [Path(place) for before, mark, place in said if mark and not before]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSM_EVAL_CACHE", str(folder / "cache"))
        (plain,), (tokens,), (more,) = (
            records(*(("--reasoning-tokens", count) if count else ())) for count in ("", "6", "9")
        )
        (effort,) = records("--reasoning-effort", "none")
        _, first, second = records("--adapter", tuned[0], "--adapter", tuned[1])
    return Settings(tasks, folder / "reports", plain, tokens, more, effort, (first, second))


def verdicts(one: Path, other: Path, *more: str) -> tuple[int, dict[str, str | None]]:
    """Exit code of `compare`, and why each metric is not compared, None where it is."""
    done = call("compare", one, other, "--json", *more)
    rows = json.loads(done.out)["rows"]
    return done.code, {f"{row['task']} {row['metric']}": row["why"] for row in rows}


@pytest.mark.slow
def test_another_budget_is_another_measurement(settings: Settings) -> None:
    for one, other, name, values in (
        (settings.plain, settings.tokens, "reasoning_tokens", "not there against 6"),
        (settings.tokens, settings.more_tokens, "reasoning_tokens", "6 against 9"),
        (settings.plain, settings.effort, "reasoning_effort", "not there against none"),
    ):
        code, why = verdicts(one, other)
        differs = f"{name} ({values}) differs"
        assert (code, why) == (4, {"choose acc": None, "say exact_match": differs, "say f1": differs})
        gated = call("gate", "--baseline", one, "--candidate", other, "--include", settings.tasks)
        assert gated.code == 4
        assert (
            f"not comparable: say: {differs}: run both alike, or say with --across {name} that it is to differ."
            in gated.out
        )
        assert set(verdicts(one, other, "--across", name)[1].values()) == {None}
        across = call(
            "gate", "--baseline", one, "--candidate", other, "--include", settings.tasks, "--across", name
        )
        assert "differs" not in "".join(line for line in across.out.splitlines() if "comparable" in line)


@pytest.mark.slow
def test_adapters_are_other_models(settings: Settings) -> None:
    alike = {"choose acc": None, "say exact_match": None, "say f1": None}
    for one, other in ((settings.plain, settings.adapters[0]), settings.adapters):
        assert verdicts(one, other) == (0, alike)
    names = [shown_name(read_record(one).manifest.model) for one in (settings.plain, *settings.adapters)]
    assert names == ["hf:tiny", "hf:tiny + polite", "hf:tiny + terse"]
    shown = call("compare", settings.plain, settings.adapters[0]).out
    assert "Engine" not in shown, "both were scored by the tree"
    # A run whose scores came from the store says nothing of an engine.
    assert "Engine" not in call("compare", settings.plain, settings.tokens).out


def test_the_leaderboard_has_a_row_a_model_and_shows_the_task_s_own_settings(
    settings: Settings, tmp_path: Path
) -> None:
    done = call("leaderboard", settings.reports, "--out", tmp_path / "site")
    assert done.code == 0, done.err
    page = html.unescape(re.sub(r"<[^>]+>", "", (tmp_path / "site" / "index.html").read_text()))
    for name in ("tiny + polite", "tiny + terse"):
        assert name in page
    assert "tokens to think" not in page
    assert "effort none" not in page


def test_a_built_in_model_in_fewer_bits_is_no_run_of_the_whole_one() -> None:
    def row(fingerprint: str, **details: str) -> ModelRow:
        return ModelRow(
            name="builtin:small", fingerprint=fingerprint * 64, dtype="float32", device="cpu", details=details
        )

    whole, bits = row("a"), row("b", **{"quantised here": "int8 weights, a scale a row (torchao)"})
    assert (shown_name(whole), shown_name(bits)) == ("builtin:small", "builtin:small (int8)")
    assert (model_folder(whole), model_folder(bits)) == ("builtin--small", "builtin--small--bbbbbbbb")
    given = bits.model_copy(update={"name": "Small", "own_name": "builtin:small"})
    assert shown_name(given) == "Small"


@pytest.mark.slow
def test_fewer_bits_are_another_model(settings: Settings, tmp_path: Path, own_cache: Path) -> None:
    pytest.importorskip("torchao", reason="needs torchao: pip install 'lsm-eval[quantize]'")
    run = Runner(settings.reports.parent / "tiny", settings.tasks, tmp_path / "reports")
    done = run("--quantize", "int8", tasks="choose,say")
    assert done.code == 0, done.err
    assert set(verdicts(settings.plain, done.record)[1].values()) == {None}
    assert shown_name(read_record(done.record).manifest.model) == "hf:tiny (int8)"
    out = tmp_path / "built-in"
    for more in ((), ("--quantize", "int8")):
        done = call(
            "run", "--tasks", "choose", "--include", settings.tasks, "--limit", "4", "--out", out, *more
        )
        assert done.code == 0, done.err
    found = [read_record(path.parent) for path in out.glob("*/*/manifest.json")]
    assert len({identity(record) for record in found}) == 2
    assert "holds records of 2 models" in call("compare", out, found[0].folder).err
