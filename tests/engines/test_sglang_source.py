"""What the engine asks of SGLang is there in SGLang's own source: that of the installed package, or of an unpacked wheel that
LSM_EVAL_SGLANG_SOURCE names. Nothing of it is imported, for which it would need a GPU's libraries."""

from __future__ import annotations

import ast
import importlib.util
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from engine_requests import DRAWN, SCORED, WRITTEN, answers
from sglang_stand_in import OnCpu, install
from tiny_models import CHAT, save_model

from lsm_eval.models.base import ModelOptions


@pytest.fixture(scope="module")
def source() -> Path:
    """The folder `sglang`."""
    named = os.environ.get("LSM_EVAL_SGLANG_SOURCE")
    if named is not None:
        folder = Path(named) / "sglang"
        assert (folder / "srt").is_dir(), f"LSM_EVAL_SGLANG_SOURCE: {named} holds no folder sglang/srt"
        return folder
    found = importlib.util.find_spec("sglang")
    if found is None or not found.submodule_search_locations:
        pytest.skip("needs SGLang's source: unpack its wheel, and name the folder by LSM_EVAL_SGLANG_SOURCE")
    return Path(found.submodule_search_locations[0])


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[set[str], set[str], set[str]]]:
    """Names of the arguments that a run gives: to `Engine`, to `async_generate`, and as sampling parameters."""
    folder = save_model(tmp_path_factory.mktemp("checkpoints") / "tiny", chat=CHAT)
    with pytest.MonkeyPatch.context() as patched:
        stand_in = install(patched)
        options = ModelOptions(overflow="truncate", batch_tokens=64)
        model = OnCpu("sglang:tiny", options, folder=folder)
        try:
            answers(model, [*SCORED[:8], *WRITTEN[:4], *DRAWN])
            (made,) = stand_in.made
            parameters = [one["sampling_params"] for one in made.asked]
            each = [one for many in parameters for one in (many if isinstance(many, list) else [many])]
            yield set(made.arguments), set().union(*made.asked), set().union(*each)
        finally:
            model.release()


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _class(path: Path, name: str) -> ast.ClassDef:
    return next(
        node for node in ast.walk(_tree(path)) if isinstance(node, ast.ClassDef) and node.name == name
    )


def _fields(node: ast.AST) -> set[str]:
    """Names that are annotated in a class, or in all classes of a file."""
    return {
        one.target.id
        for one in ast.walk(node)
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
    }


def _methods(node: ast.ClassDef) -> dict[str, set[str]]:
    """Names of the arguments, by method."""
    return {
        one.name: {argument.arg for argument in (*one.args.args, *one.args.kwonlyargs)}
        for one in node.body
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _texts(path: Path) -> set[str]:
    """All texts that stand in a file."""
    return {
        one.value
        for one in ast.walk(_tree(path))
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }


def _lists(path: Path) -> dict[str, list[object]]:
    """Lists of constants at the top of a file, by name."""
    return {
        target.id: [one.value for one in node.value.elts if isinstance(one, ast.Constant)]
        for node in _tree(path).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def test_the_engine_takes_its_arguments(source: Path, asked: tuple[set[str], set[str], set[str]]) -> None:
    arguments, requests, _ = asked
    fields = set().union(*(_fields(_tree(path)) for path in (source / "srt/arg_groups/fields").glob("*.py")))
    assert arguments >= {"model_path", "context_length", "chunked_prefill_size", "max_running_requests"}
    assert arguments <= fields
    methods = _methods(_class(source / "srt/entrypoints/engine.py", "Engine"))
    assert requests >= {"input_ids", "token_ids_logprob", "logprob_start_len", "rid", "stream"}
    assert requests <= methods["async_generate"]
    assert {"get_server_info", "shutdown"} <= methods.keys()


def test_sampling_parameters_are_there(source: Path, asked: tuple[set[str], set[str], set[str]]) -> None:
    _, _, parameters = asked
    assert parameters >= {"sampling_seed", "stop_token_ids", "ignore_eos", "max_new_tokens"}
    assert parameters <= _fields(_class(source / "srt/sampling/sampling_params.py", "SamplingParams"))
    assert parameters.isdisjoint({"stop", "min_new_tokens"}), "these need a tokenizer"


def test_values_of_arguments_are_known(source: Path) -> None:
    lists = _lists(source / "srt/arg_groups/choices.py")
    assert "triton" in lists["DETERMINISTIC_ATTENTION_BACKEND_CHOICES"]
    assert "triton" in lists["RADIX_SUPPORTED_DETERMINISTIC_ATTENTION_BACKEND"]
    assert "lpm" in _texts(source / "srt/arg_groups/fields/schedule.py")
    dtypes = _texts(source / "srt/arg_groups/fields/model.py")
    assert {"float32", "bfloat16", "float16"} <= dtypes


def test_what_is_read_of_replies_is_there(source: Path) -> None:
    manager = source / "srt/managers/tokenizer_manager.py"
    assert {
        "id",
        "finish_reason",
        "completion_tokens",
        "output_ids",
        "meta_info",
        "input_token_logprobs",
        "input_top_logprobs",
        "output_token_logprobs",
        "output_token_ids_logprobs",
    } <= _texts(manager)
    assert "rid" in _methods(_class(manager, "TokenizerManager"))["abort_request"]
    batches = source / "srt/managers/schedule_batch.py"
    assert {"abort", "message", "type", "matched", "NaN happened"} <= _texts(batches)
    scheduler = source / "srt/managers/scheduler.py"
    assert "max_total_num_tokens" in _texts(scheduler)
    written = ast.unparse(_tree(scheduler))
    assert "req.rid.startswith(recv_req.rid)" in written, "names of requests have to be equally long"
    config = ast.unparse(_tree(source / "srt/configs/model_config.py"))
    assert "self.hf_eos_token_id = " in config
    assert "self.vocab_size = " in config
    assert "SGLANG_ALLOW_OVERWRITE_LONGER_CONTEXT_LEN" in _fields(_tree(source / "srt/environ.py")) | {
        target.id
        for node in ast.walk(_tree(source / "srt/environ.py"))
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def test_it_counts_places_as_the_engine_does(source: Path) -> None:
    """The lines that decide which log-probabilities come, and how much of a prompt may be in the cache."""
    batches = ast.unparse(_tree(source / "srt/managers/schedule_batch.py"))
    assert "max_prefix_len = input_len - 1" in batches
    assert "max_prefix_len = min(max_prefix_len, self.logprob_start_len)" in batches
    results = ast.unparse(_tree(source / "srt/managers/scheduler_components/logprob_result_processor.py"))
    assert "req.logprob.input_token_logprobs_val = [None] + input_token_logprobs[:-1]" in results
    assert "input_token_logprobs_idx = req.origin_input_ids[req.logprob_start_len:]" in results
    assert "x if x < self.model_config.vocab_size - 1 else 0" in results
    worker = ast.unparse(_tree(source / "srt/managers/tp_worker.py"))
    assert "self.model_config.context_len - 1" in worker
    assert "max_req_input_len = max_req_len - 5" in worker
    sampling = ast.unparse(_tree(source / "srt/sampling/sampling_batch_info.py"))
    assert "enable_deterministic" in sampling
    assert "r.sampling_params.sampling_seed" in sampling
