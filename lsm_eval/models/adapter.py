"""Merges a PEFT adapter into its model, or refuses it with one sentence if it does not fit."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.models.adapter_files import adapter_config, adapter_shapes, model_name

_WHOLE = ".modules_to_save"
_SHARED = ("vblora_vector_bank", "prompt_encoder", ".tinylora_v.")
"""Parts of names of tensors that some kinds store once for the whole model, so that they are not missing in the layers."""


def merge_adapter(model: Any, folder: Path) -> Any:
    """`model` with the adapter merged into its weights, so that it costs nothing at run time, and every scorer sees a plain
    model.

    The embeddings are resized to those of the adapter. Raises `UserError` for an adapter that is damaged, has a tensor with
    no place in the model or of another shape, or lacks one of its own.
    """
    try:
        from peft import PeftConfig, PeftModel
    except ImportError as error:
        raise UserError("--adapter needs the peft package: pip install 'lsm-eval[peft]'.") from error
    from safetensors import SafetensorError

    shapes = adapter_shapes(folder)
    _fit_vocabulary(model, folder, {model_name(name): shape for name, shape in shapes.items()})
    try:
        with warnings.catch_warnings():
            # What peft only warns about is refused below.
            warnings.simplefilter("ignore")
            config = _settings(PeftConfig, folder)
            config.inference_mode = True
            config.task_type = None  # the wrappers for tasks are not needed, and each wants its own head
            wrapped = PeftModel(model, config)
            mapping = getattr(model, "_checkpoint_conversion_mapping", None)
            found = wrapped.load_adapter(folder, "default", key_mapping=mapping)
            missing = [name for name in found.missing_keys if not any(part in name for part in _SHARED)]
            # PEFT may store fully trained modules a second time, under its own name for them.
            twice = {name for name in shapes if _WHOLE in name and name.replace(_WHOLE, "", 1) in shapes}
            unexpected = set(found.unexpected_keys) - twice
            _check_names(folder, sorted(unexpected), sorted(missing), len(shapes))
            return wrapped.merge_and_unload()
    except (AttributeError, NotImplementedError) as error:
        raise UserError(
            f"--adapter {folder}: this kind of adapter cannot be merged ({error}); use LoRA."
        ) from error
    except SafetensorError as error:
        raise UserError(
            f"--adapter {folder}: its weights cannot be read ({_first_lines(error)}); fetch the adapter again, into a "
            "folder whose path is plain text."
        ) from error
    except (ValueError, RuntimeError, KeyError, IndexError, TypeError, OSError) as error:
        raise _unfit(folder, _first_lines(error)) from error


def _settings(read: Any, folder: Path) -> Any:
    try:
        return read.from_pretrained(str(folder))
    except Exception as error:  # unknown kinds and values raise exceptions of many kinds in peft
        raise UserError(
            f"--adapter {folder}: its configuration cannot be used by this version of peft "
            f"({type(error).__name__}: {_first_lines(error)}); update peft, or fetch the adapter again."
        ) from error


def _check_names(folder: Path, unexpected: list[str], missing: list[str], count: int) -> None:
    if unexpected:
        raise _unfit(
            folder,
            f"{min(len(unexpected), count)} of its {count} tensors (such as {model_name(unexpected[0])}) have no place "
            "in the model",
        )
    if missing:
        raise _unfit(
            folder,
            f"it lacks {len(missing)} of the tensors that its configuration names (such as {model_name(missing[0])})",
        )


def _fit_vocabulary(model: Any, folder: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    """Resize the embeddings to the number of rows that the adapter was trained with."""
    inputs, outputs = model.get_input_embeddings(), model.get_output_embeddings()
    names = {id(module): name for name, module in model.named_modules()}
    whole: dict[str, int] = {}
    rows: set[int] = set()
    for module in (inputs, outputs):
        name = names.get(id(module))
        if name is None:
            continue
        for key in (f"{name}.weight", f"{name}.base_layer.weight"):
            if key in shapes:
                whole[name] = shapes[key][0]
        rows |= {shapes[key][-1] for key in (f"{name}.lora_embedding_A",) if key in shapes}
        rows |= {shapes[key][0] for key in (f"{name}.lora_B.weight",) if key in shapes}
    rows |= set(whole.values())
    size = int(inputs.weight.shape[0])
    if not rows or rows == {size}:
        return
    tied = outputs is not None and outputs.weight is inputs.weight
    config = adapter_config(folder)
    saved = config.get("modules_to_save") or ()
    shared = tied and (config.get("ensure_weight_tying") or not any(
        names[id(inputs)].endswith(str(name)) for name in saved
    ))  # fmt: skip
    covered = names[id(inputs)] in whole and (
        outputs is None or names.get(id(outputs)) in whole or bool(shared)
    )
    if len(rows) > 1 or (max(rows) > size and not covered):
        raise UserError(
            f"--adapter {folder}: was trained with a vocabulary of {max(rows)} tokens and the model has {size}, and "
            "it does not hold the embeddings of all of them; merge it into its base model where it was trained, and "
            "name the merged checkpoint as --model."
        )
    # Every new row comes from the adapter, so its initial value does not matter.
    model.resize_token_embeddings(rows.pop(), mean_resizing=False)


def _unfit(folder: Path, why: str) -> UserError:
    base = adapter_config(folder).get("base_model_name_or_path")
    hint = f" (it names {Path(base).name!r} as its base)" if isinstance(base, str) and base else ""
    return UserError(
        f"--adapter {folder}: does not fit the model{hint}: {why}; name the base model that it was trained on as "
        "--model."
    )


def _first_lines(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    text = " ".join(lines[:2]) if lines and lines[0].endswith(":") else lines[0] if lines else ""
    return (text.rstrip(".") or type(error).__name__)[:300]
