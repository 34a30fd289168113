"""`--model-args`: other words for our own options, and nothing beside them."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from command_line import Runner, call

from lsm_eval.cli.options import run_options
from lsm_eval.results.reader import read_record
from lsm_eval.runner.make_spec import make_spec
from lsm_eval.runner.spec import RunSpec


def spec_of(*arguments: str) -> RunSpec:
    """What a command of these arguments is asked to do."""
    made: list[RunSpec] = []

    @click.command()
    @run_options
    def command(**options: object) -> None:
        made.append(make_spec(["a"], **options))  # type: ignore[arg-type]

    command.main(list(arguments), standalone_mode=False)
    return made[0]


@pytest.mark.parametrize(
    ("arguments", "model"),
    [
        (["--model-args", "pretrained=org/name"], "hf:org/name"),
        (["--model-args", "pretrained=org/name,revision=v2"], "hf:org/name@v2"),
        (["--model-args", "pretrained=org/name,revision=main"], "hf:org/name"),
        (["--model", "hf", "--model-args", "pretrained=org/name"], "hf:org/name"),
        (["--model", "vllm", "--model-args", "pretrained=org/name"], "vllm:org/name"),
        (["--model", "hf:org/name", "--model-args", "revision=v2"], "hf:org/name@v2"),
        (["--model-args", "pretrained=./folder"], "./folder"),
        (["--model-args", "pretrained=builtin:first"], "builtin:first"),
    ],
)
def test_which_model(arguments: list[str], model: str) -> None:
    assert spec_of(*arguments).model == model


def test_the_same_as_our_own_options() -> None:
    words = "pretrained=org/name,dtype=float16,peft=./lora,trust_remote_code=True,device=cpu,max_length=512,max_gen_toks=9"
    ours = spec_of(
        "--model", "hf:org/name", "--dtype", "float16", "--adapter", "./lora", "--trust-remote-code", "--device", "cpu",
        "--context", "512", "--max-tokens", "9",
    )  # fmt: skip
    assert spec_of("--model-args", words) == ours
    assert spec_of("--model-args", "load_in_4bit=True").options.quantize == "bnb-4bit"
    assert spec_of("--model-args", "load_in_4bit=False").options.quantize is None


@pytest.mark.parametrize(
    ("kind", "path", "api"),
    [
        ("local-chat-completions", "/chat/completions", "chat"),
        ("local-completions", "/completions", "completions"),
        ("local-completions", "", "completions"),
    ],
)
def test_a_server(kind: str, path: str, api: str) -> None:
    words = f"model=org/name,base_url=http://localhost:1/v1{path},num_concurrent=4"
    ours = spec_of("--model", "openai:org/name", "--base-url", "http://localhost:1/v1", "--api", api, "--max-concurrency", "4")  # fmt: skip
    assert spec_of("--model", kind, "--model-args", words) == ours


def test_an_option_of_the_command_line_wins() -> None:
    assert spec_of("--model-args", "dtype=float16", "--dtype", "float32").options.dtype == "float32"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("batch_size=8", "--model-args batch_size: batches are made by tokens: use --batch-tokens."),
        (
            "api_key=abc",
            "--model-args api_key: keys stand in no command: use --api-key-env or --api-key-file.",
        ),
        ("dtyp=float16", "--model-args dtyp: no option of lsm-eval has this meaning; did you mean 'dtype'?"),
        ("dtype", "--model-args dtype: write a key, an = and a value, with a comma before the next."),
        ("dtype=float16,dtype=auto", "--model-args gives dtype twice: leave out one of them."),
        ("trust_remote_code=perhaps", "--model-args trust_remote_code=perhaps: write True or False."),
        ("pretrained=builtin:first,revision=v2", "--model-args revision=v2: builtin:first has no other one"),
        ("max_length=many", "Invalid value for '--context'"),
    ],
)
def test_what_has_no_meaning_names_the_option_that_has(words: str, expected: str) -> None:
    assert call("run", "--tasks", "quickstart", "--model-args", words).sentence().startswith(expected)


def test_two_models_are_one_too_many(run: Runner) -> None:
    sentence = run("--model-args", "pretrained=org/name", model="builtin:first").sentence()
    assert sentence == (
        "--model builtin:first and --model-args pretrained=org/name both name a model: leave out one of the two."
    )


def test_the_record_has_the_options_that_they_stand_for(
    run: Runner, tiny_llama: Path, small_tasks: Path
) -> None:
    words = f"pretrained={tiny_llama},dtype=float32,device=cpu"
    named = ("--tasks", "choose", "--include", small_tasks, "--out", run.out, "--store", "none")
    done = call("run", *named, "--model-args", words)
    assert done.code == 0, done.err
    record, ours = (
        read_record(done.record),
        read_record(run("--dtype", "float32", "--device", "cpu", "--store", "none").record),
    )
    assert [row.signature for row in record.estimates] == [row.signature for row in ours.estimates]
    assert record.manifest.model == ours.manifest.model
    assert record.manifest.settings == ours.manifest.settings
    command = record.manifest.command
    assert "--model-args" not in command
    assert command[command.index("--model") + 1] == str(tiny_llama)
    assert call("show", "task", "choose", "--include", small_tasks, "--model-args", words).code == 0
