"""A transformers model behind a server of the tests' own that tells log-probabilities as vLLM, echoing servers and SGLang do,
and in the wrong ways that others have."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from openai_server import Body, Server, completion, serving

LIES = (
    "off by one",
    "off by one, early",
    "constant",
    "no prompt numbers",
    "one missing",
    "one too few",
    "text tokenised",
    "unlike what it writes",
    "cut on the left",
)


class Weights:
    """Log-probabilities of the checkpoint in a folder, in float32."""

    def __init__(self, folder: Path) -> None:
        import torch
        import transformers

        self.torch = torch
        self.model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self.tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder)

    def after(self, tokens: Sequence[int]) -> Any:
        """[tokens, vocabulary]: row i tells of the token after the first i + 1."""
        with self.torch.inference_mode():
            logits = self.model(self.torch.tensor([list(tokens)])).logits[0]
        return self.torch.log_softmax(logits.float(), -1)

    def text(self, tokens: Sequence[int]) -> str:
        return str(self.tokenizer.decode(list(tokens)))


class Speaking:
    """What the server answers."""

    def __init__(
        self, weights: Weights, kind: str, *, lie: str = "", context: int = 128, written: str = "numbers"
    ) -> None:
        """`kind`: vllm, echo, sglang or llama.cpp. `written`: numbers, or `strings` for JSON strings in their place."""
        self.weights, self.kind, self.lie, self.context = weights, kind, lie, context
        self.strings = written == "strings"
        self.untold: set[int] = set()
        """Tokens of which llama.cpp tells nothing when they are written."""
        self.cuts = True
        """Whether llama.cpp's cache can be cut. Otherwise what comes from it is wrong: all but a prompt's last token is forgotten."""
        self.cached: list[int] = []
        self.tokens_in_grammars = True
        """Whether llama.cpp's grammars may name tokens."""
        self.ids = True
        """Whether vLLM's `logprob_token_ids` is known."""
        self.spoil: dict[int, Any] = {}
        """Values that take the place of a token's number, by token."""

    # What follows has the shapes of vLLM 0.32 and SGLang 0.5.

    def completions(self, body: Body) -> Any:
        if self.kind == "llama.cpp":
            return completion(body, "x")
        prompt = body["prompt"]
        if isinstance(prompt, str):
            prompt = self.weights.tokenizer(prompt)["input_ids"]
        prompts = prompt if prompt and isinstance(prompt[0], list) else [prompt]
        echo = bool(body.get("echo"))
        if self.kind == "vllm" and echo:
            return 400, {"error": {"message": "echo is not supported"}}, {}
        if body["max_tokens"] == 0 and not echo:
            return 400, {"error": {"message": "max_tokens must be at least 1, got 0."}}, {}
        longest = max(len(tokens) for tokens in prompts) + body["max_tokens"]
        if longest > self.context and self.lie != "cut on the left":
            said = (
                f"This model's maximum context length is {self.context} tokens, and {longest} were asked for."
            )
            return 400, {"error": {"message": said}}, {}
        choices = [{"index": at, **self._choice(tokens, body, echo)} for at, tokens in enumerate(prompts)]
        count = sum(len(tokens) for tokens in prompts)
        whole = completion({"model": body["model"], "prompt": ""}, "", tokens=len(prompts))
        usage = {
            "prompt_tokens": count,
            "completion_tokens": len(prompts),
            "total_tokens": count + len(prompts),
        }
        return {**whole, "choices": choices, "usage": usage}

    def _choice(self, tokens: list[int], body: Body, echo: bool) -> Body:
        if self.lie == "text tokenised":
            start = self.weights.tokenizer("", add_special_tokens=True)["input_ids"]
            text = self.weights.text(tokens[len(start) :])
            tokens = start + self.weights.tokenizer(text, add_special_tokens=False)["input_ids"]
        if self.lie == "cut on the left":
            tokens = tokens[-8:]
        written, last = list(tokens), self.weights.after(tokens)[-1]
        for _ in range(body["max_tokens"]):
            written.append(int(self.weights.after(written)[-1].argmax()))
        new = written[len(tokens) :]
        numbers = self._prompt(tokens)
        choice: Body = {"text": self.weights.text(new), "finish_reason": "length", "logprobs": None}
        wanted = body.get("prompt_logprobs")
        if self.kind == "vllm" and wanted is not None and numbers is not None:
            choice["prompt_logprobs"] = numbers
        if body.get("logprobs") is not None:
            told: list[Any] = (numbers or [None] * len(tokens)) if echo else []
            shown = tokens[: len(told)]
            ids = body.get("return_tokens_as_token_ids")
            names = [f"token_id:{t}" if ids else self.weights.text([t]) for t in [*shown, *new]]
            values = [
                None if one is None else one[str(t)]["logprob"] for one, t in zip(told, shown, strict=True)
            ]
            tops = [
                None if one is None else {f"{name}": row["logprob"] for name, row in one.items()}
                for one in told
            ]
            for token in new[:1]:
                values.append(self._value(float(last[token]), token))
                wanted = [
                    token,
                    *(body.get("logprob_token_ids") or [] if self.ids and self.kind == "vllm" else []),
                ]
                told_of = {one: f"token_id:{one}" if ids else self.weights.text([one]) for one in wanted}
                tops.append({name: self._value(float(last[one]), one) for one, name in told_of.items()})
            if self.lie == "no prompt numbers" and echo:
                names, values, tops = names[len(shown) :], values[len(shown) :], tops[len(shown) :]
            choice["logprobs"] = {"tokens": names, "token_logprobs": values, "top_logprobs": tops}
        return choice

    def _prompt(self, tokens: list[int]) -> list[Any] | None:
        """As vLLM tells of a prompt with `prompt_logprobs` 1."""
        if self.lie == "no prompt numbers":
            return None
        rows = self.weights.after(tokens)
        found: list[Any] = [None]
        for at, token in enumerate(tokens[1:]):
            row = rows[at]
            if self.lie == "off by one, early":
                row = rows[at + 1]
            value = float(row[token])
            if self.lie == "off by one" and at:
                value = float(rows[at - 1][tokens[at]])
            if self.lie == "unlike what it writes":
                value *= 1.5
            best = int(row.argmax())
            rank = int((row >= row[token]).sum())
            if self.lie == "constant":
                value, rank = -1.0, 1
            own = {str(token): {"logprob": self._value(value, token), "rank": rank, "decoded_token": "x"}}
            if best != token:
                own[str(best)] = {
                    "logprob": self._value(float(row[best]), best),
                    "rank": 1,
                    "decoded_token": "y",
                }
            found.append(own)
        if self.lie == "one missing":
            found[-1] = None
        if self.lie == "one too few":
            del found[-1]
        return found

    def _value(self, value: float, token: int) -> Any:
        value = self.spoil.get(token, value)
        return str(value) if self.strings and isinstance(value, float) else value

    def generate(self, body: Body) -> Any:
        """SGLang's."""
        if self.kind != "sglang":
            return 404, {"detail": "Not Found"}, {}
        prompts = body["input_ids"]
        several = isinstance(prompts[0], list)
        starts = body.get("logprob_start_len", -1)
        found = []
        for at, tokens in enumerate(prompts if several else [prompts]):
            if len(tokens) + 1 > self.context:
                said = f"The input ({len(tokens)} tokens) is longer than the model's context length ({self.context} tokens)."
                return 400, {"error": {"message": said}}, {}
            meta: Body = {"prompt_tokens": len(tokens), "completion_tokens": 1}
            last = self.weights.after(tokens)[-1]
            new = int(last.argmax())
            meta["output_token_logprobs"] = [[self._value(float(last[new]), new), new, None]]
            start = starts[at] if isinstance(starts, list) else starts
            if start >= 0:
                places = self._prompt(tokens) or [None] * len(tokens)
                entries: list[Any] = [[None, tokens[start], None]]
                tops: list[Any] = [None]
                for place, token in zip(places[start + 1 :], tokens[start + 1 :], strict=False):
                    entries.append([None if place is None else place[str(token)]["logprob"], token, None])
                    rows = sorted((place or {}).items(), key=lambda one: -float(one[1]["logprob"]))
                    tops.append([[row["logprob"], int(name), None] for name, row in rows[:1]])
                meta |= {"input_token_logprobs": entries, "input_top_logprobs": tops}
            found.append({"text": self.weights.text([new]), "meta_info": meta})
        return found if several else found[0]

    def completion(self, body: Body) -> Any:
        """llama.cpp's."""
        if self.kind != "llama.cpp":
            return 404, {"error": "no"}, {}
        if "grammar" in body:
            return self._held(body)
        if "logit_bias" not in body:
            pairs = zip(body["prompt"], self.cached, strict=False)
            shared = next(
                (at for at, (one, other) in enumerate(pairs) if one != other),
                min(len(body["prompt"]), len(self.cached)),
            )
            whole = self.cuts or shared in (0, len(self.cached))
            self.cached = body["prompt"]
            timings = {"cache_n": min(shared, len(self.cached) - 1) if whole else 0, "predicted_n": 1}
            every = {"timings": timings, "tokens_evaluated": len(self.cached), "content": "x"}
            return {name: every[name] for name in body["response_fields"]}
        ((forced, bias),) = body["logit_bias"]
        prompt = body["prompt"][-1:] if body["cache_prompt"] and not self.cuts else body["prompt"]
        before = self.weights.after(prompt)[-1]
        after = before.clone()
        after[forced] += bias
        told = self.torch_softmax(after) if self.lie == "after the bias" else before
        written = int(before.argmax()) if self.lie == "no bias" else int(after.argmax())
        ranked = told.argsort(descending=True)[: body["n_probs"]].tolist()
        place = {"id": written, "token": "x", "logprob": self._value(float(told[written]), written)}
        place["top_logprobs"] = [{"id": one, "logprob": self._value(float(told[one]), one)} for one in ranked]
        found: Body = {"tokens_evaluated": len(body["prompt"]), "completion_probabilities": [place]}
        if written in self.untold:
            del found["completion_probabilities"]
        return found

    def _held(self, body: Body) -> Any:
        """llama.cpp's answer to a grammar of tokens."""
        if not self.tokens_in_grammars:
            return 400, {"error": {"message": "Failed to parse grammar"}}, {}
        forced = [int(one) for one in re.findall(r"<\[(\d+)\]>", body["grammar"])]
        assert body["n_predict"] == len(forced)
        told = []
        after = self.weights.after([*body["prompt"], *forced])[len(body["prompt"]) - 1 :]
        for token, row in zip(forced, after, strict=False):
            if token not in self.untold:
                top = int(row.argmax())
                place = {"id": token, "logprob": self._value(float(row[token]), token)}
                told.append(
                    {**place, "top_logprobs": [{"id": top, "logprob": self._value(float(row[top]), top)}]}
                )
        if self.lie == "free":  # as if there were no grammar
            told = told[:1] * len(forced)
        counts = {"tokens_evaluated": len(body["prompt"]), "tokens_predicted": len(forced)}
        every = {**counts, "completion_probabilities": told, "timings": {"predicted_n": len(forced)}}
        return {name: every[name] for name in body["response_fields"]}

    def torch_softmax(self, logits: Any) -> Any:
        return self.weights.torch.log_softmax(logits, -1)

    def tokenize(self, body: Body) -> Any:
        tokenizer = self.weights.tokenizer
        if self.kind == "llama.cpp":
            special = body.get("add_special", False)
            return {"tokens": tokenizer(body.get("content", ""), add_special_tokens=special)["input_ids"]}
        if "messages" in body:
            if tokenizer.chat_template is None or self.kind == "sglang":
                return 400, {"error": {"message": "no chat template"}}, {}
            text = tokenizer.apply_chat_template(body["messages"], tokenize=False, add_generation_prompt=True)
            tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        else:
            tokens = tokenizer(body["prompt"], add_special_tokens=body["add_special_tokens"])["input_ids"]
        return {"tokens": tokens, "count": len(tokens), "max_model_len": self.context}

    def detokenize(self, body: Body) -> Any:
        name = "text" if self.kind == "sglang" else "prompt"
        return {name: self.weights.text(body["tokens"])}


@contextmanager
def speaking(
    weights: Weights, kind: str, *, tokenizer: bool = True, **options: Any
) -> Iterator[tuple[Server, Speaking]]:
    """A server of the `kind`, while it runs. `tokenizer`: it tells its tokens."""
    own = Speaking(weights, kind, **options)
    server = Server(answer=own.completions)
    server.posts |= {"/generate": own.generate, "/completion": own.completion}
    if kind == "llama.cpp":
        server.pages["/props"] = {"default_generation_settings": {"n_ctx": own.context}, "bos_token": "<s>"}
    if tokenizer:
        server.posts |= {"/tokenize": own.tokenize, "/detokenize": own.detokenize}
    server.pages["/v1/models"] = {"data": [{"id": "small", "max_model_len": own.context}]}
    with serving(server):
        yield server, own


def placeholder(value: str) -> Any:
    """A value that is no log-probability, as JSON can hold it."""
    return {"null": None, "nan": math.nan, "-inf": -math.inf}.get(
        value, json.loads(value) if value[-1].isdigit() else value
    )
