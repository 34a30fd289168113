"""Our engine as a model of lm-evaluation-harness: `--model lsm-eval`."""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from lm_eval.api.model import LM, TemplateLM
from lm_eval.api.registry import register_model
from tqdm import tqdm  # type: ignore[import-untyped]

from lsm_eval.errors import UserError
from lsm_eval.lm_eval_bridge import MODEL, chat
from lsm_eval.lm_eval_bridge.arguments import make_model
from lsm_eval.lm_eval_bridge.generation import DEFAULT_NEW_TOKENS, make_request, read_keywords
from lsm_eval.lm_eval_bridge.rolling import rolling_request
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import (
    Answer,
    Failure,
    Generate,
    Generated,
    Likelihood,
    Request,
    Score,
    Scored,
)

_log = logging.getLogger(__name__)


@register_model(MODEL)
class LsmEval(LM):  # type: ignore[misc]  # the harness has no types
    """Answers the harness's requests with our engine as its hf backend does.

    The harness passes all requests of one kind in one call, so contexts that tasks share are computed once.
    """

    def __init__(
        self,
        pretrained: str,
        device: str | None = None,
        batch_size: int | str | None = None,
        max_batch_size: int | None = None,
        **arguments: Any,
    ) -> None:
        """`arguments`: see `arguments.ARGUMENTS`. Raises `UserError` for an unsupported one."""
        super().__init__()
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise UserError("lsm-eval's engine runs in one process: start it without accelerate or torchrun.")
        if str(batch_size) not in ("None", "1", "auto"):
            _log.warning("batch_size has no meaning here; batches hold a number of tokens (batch_tokens=N).")
        self.pretrained = pretrained
        self.model = make_model(pretrained, device, arguments)
        if self.model.info.likelihood == "pseudo":
            raise UserError(
                f"{pretrained} is a masked language model: its scores are pseudo-log-likelihoods, which the harness would "
                "mix up with log-likelihoods; use `lsm-eval run --tasks lm-eval:NAME`, whose record says so."
            )
        encoder = self.model.encoder if isinstance(self.model, HFModel) else None
        self._encoder = encoder
        self.tokenizer = encoder.tokenizer if encoder else None
        self._device = torch.device(self.model.info.device or "cpu")
        self._chat_arguments = dict(arguments.get("chat_template_args") or {})
        thinking = arguments.get("enable_thinking")
        if thinking is not None:
            self._chat_arguments["enable_thinking"] = thinking
        self._thinking = bool(thinking)
        self._think_end = arguments.get("think_end_token")
        if self._thinking and self._think_end is None:
            raise UserError("model argument enable_thinking needs think_end_token, the text that ends it.")
        if self._think_end is not None and str(self._think_end).isdigit():
            raise UserError("model argument think_end_token: give its text, not its number.")
        self.model.load()

    # Requests

    def loglikelihood(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Log-probability and greediness of each (context, continuation)."""
        if self._thinking:
            raise UserError(
                "enable_thinking is for tasks that generate: leave it out for loglikelihood tasks."
            )
        pairs = [instance.args for instance in requests]
        # One context with all its continuations is one request, whichever tasks they come from.
        wanted: dict[str, dict[str, None]] = {}
        for context, continuation in pairs:
            wanted.setdefault(context, {})[continuation] = None
        to_score = [
            Score(context, tuple(continuations), lm_eval=True) for context, continuations in wanted.items()
        ]
        found: dict[tuple[str, str], tuple[float, bool]] = {}
        for request, answer in self._ask(to_score, "loglikelihood", disable_tqdm):
            assert isinstance(request, Score)
            assert isinstance(answer, Scored)
            for continuation, logprob, greedy in zip(
                request.continuations, answer.logprobs, answer.greedy, strict=True
            ):
                pair = (request.context, continuation)
                found[pair] = (logprob, greedy)
                self.cache_hook.add_partial("loglikelihood", pair, found[pair])
        return [found[context, continuation] for context, continuation in pairs]

    def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[float]:
        """Log-probability of each whole text."""
        texts = [instance.args[0] for instance in requests]
        wanted = [rolling_request(self._encoder, text) for text in dict.fromkeys(texts)]
        found: dict[Request, float] = {}
        for request, answer in self._ask(wanted, "loglikelihood_rolling", disable_tqdm):
            assert isinstance(answer, Likelihood)
            found[request] = answer.logprob
        values = [found[rolling_request(self._encoder, text)] for text in texts]
        for text, value in zip(texts, values, strict=True):
            self.cache_hook.add_partial("loglikelihood_rolling", (text,), value)
        return values

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
        """The text that continues each prompt. Repeated sampling requests get different samples, from `--seed`."""
        base = torch.initial_seed() % 2**31
        end, checkpoint = self._end(), self._checkpoint_keywords()
        drawn: Counter[Request] = Counter()
        wanted: list[Generate] = []
        for instance in requests:
            prompt, given = instance.args[:2]
            keywords = read_keywords(given, checkpoint)
            if keywords.temperature and not given.get("top_k"):
                _once("samples are drawn from all tokens: hf's default of top_k=50 is not applied.")
            count = self._prompt_tokens if self._encoder else None
            request = make_request(prompt, keywords, end=end, seed=0, prompt_tokens=count)
            if request.temperature:
                drawn[request] += 1
                request = replace(request, seed=base + drawn[request] - 1)
            wanted.append(request)
        found: dict[Request, str] = {}
        places: dict[Request, list[int]] = {}
        for at, one in enumerate(wanted):
            places.setdefault(one, []).append(at)
        for each, answer in self._ask(list(places), "generate_until", disable_tqdm):
            assert isinstance(answer, Generated)
            found[each] = self._after_thinking(answer.text)
            for at in places[each]:
                self.cache_hook.add_partial("generate_until", requests[at].args, found[each])
        return [found[request] for request in wanted]

    # Properties of the model that the harness reads

    @property
    def max_length(self) -> int | None:
        """Tokens that the model can attend to."""
        return self.model.info.context

    @property
    def max_gen_toks(self) -> int:
        """The most new tokens, if a task gives no number."""
        return DEFAULT_NEW_TOKENS

    @property
    def eot_token_id(self) -> int | None:
        """The end-of-text token."""
        return self.tokenizer.eos_token_id if self.tokenizer else None

    @property
    def prefix_token_id(self) -> int | None:
        """The token that stands for an empty context."""
        return self._encoder.start[-1] if self._encoder else None

    @property
    def tokenizer_name(self) -> str:
        """Part of the harness's name for cached requests."""
        name = self.tokenizer.name_or_path if self.tokenizer else self.pretrained
        return str(name).replace("/", "__")

    def chat_template(self, chat_template: bool | str = False) -> str | None:
        """The template itself, for the harness's results file. Raises `UserError` if there are several and none
        is named."""
        own = getattr(self.tokenizer, "chat_template", None)
        named = own if isinstance(own, dict) else {}
        try:
            found: str | None = TemplateLM.chat_template(self, chat_template)
        except ValueError as error:
            what = f"none called {chat_template}" if isinstance(chat_template, str) else "no default one"
            raise UserError(
                f"--apply_chat_template: the model has named chat templates ({', '.join(sorted(named))}) and {what}: name "
                "one of them after it, or leave it out."
            ) from error
        if found and named and "default" not in named:
            self._chat_arguments.setdefault("chat_template", found)
        return found

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """The prompt of these messages."""
        return chat.render(
            self.tokenizer,
            chat_history,
            add_generation_prompt=add_generation_prompt,
            arguments=self._chat_arguments,
        )

    def get_model_info(self) -> dict[str, Any]:
        """For the harness's results file."""
        info = self.model.info
        return {
            "model_num_parameters": info.parameters if info.parameters is not None else -1,
            "model_dtype": info.dtype or "",
            "model_revision": info.revision or "",
            "model_sha": self.model.fingerprint(),
            "lsm_eval": dict(info.details or {}),
        }

    # Answering

    def _ask(
        self, requests: Sequence[Request], what: str, disable_tqdm: bool
    ) -> Iterator[tuple[Request, Answer]]:
        with tqdm(total=len(requests), disable=disable_tqdm, desc=f"Running {what} requests") as bar:
            for batch in self.model.answer(requests):
                for at, response in batch.items():
                    if isinstance(response, Failure):
                        # The harness has no missing answers, and any number would be wrong.
                        raise UserError(_explain(response))
                    yield requests[at], response
                bar.update(len(batch))

    def _prompt_tokens(self, request: Generate) -> int:
        (cost,) = self.model.cost([request])
        return cost.asked - request.max_tokens

    def _after_thinking(self, text: str) -> str:
        return text.split(self._think_end)[-1].lstrip() if self._think_end else text

    def _end(self) -> str | None:
        """The text of the end-of-text token."""
        return self._encoder.end_text if self._encoder else None

    def _checkpoint_keywords(self) -> Mapping[str, Any]:
        """The checkpoint's `generation_config.json`, if there is one."""
        folder = getattr(self.tokenizer, "name_or_path", None)
        if not folder:
            return {}
        file = Path(folder) / "generation_config.json"
        if not file.is_file():
            return {}
        content = json.loads(file.read_text(encoding="utf-8"))
        return content if isinstance(content, dict) else {}


def _explain(failure: Failure) -> str:
    if failure.reason == "nan":
        return f"{failure.detail}, which is no answer: try dtype=float32, or check the checkpoint."
    if failure.reason == "too_long":
        return f"a request does not fit the model ({failure.detail}): leave that task out, or ask for fewer new tokens."
    return f"the model cannot answer a request of this kind ({failure.detail}): leave that task out."


_SAID: set[str] = set()


def _once(text: str) -> None:
    if text not in _SAID:
        _SAID.add(text)
        _log.warning(text)
