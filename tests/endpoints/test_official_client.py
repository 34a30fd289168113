"""OpenAI's own client as an oracle: it sends what is sent here, and reads what is read here, streams included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from openai_server import Body, Server, completion, prompt_of, serving, words

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.models.base import EndpointOptions
from lsm_eval.models.request_seed import request_seed
from lsm_eval.requests import Generate, Generated, Request

if TYPE_CHECKING:
    from openai import OpenAI

openai = pytest.importorskip("openai", reason="needs OpenAI's client (pip install openai) to compare with")

REQUESTS = [
    Generate("what?", chat=True),
    Generate("what?", chat=True, system="be brief", max_tokens=7, stop=("\n", "END")),
    Generate("ünï 𝄞 </b>\n", chat=True, temperature=0.7, top_p=0.9, seed=11),
]
STREAM = {"stream": True, "stream_options": {"include_usage": True}}


@pytest.fixture
def client(server: Server) -> Iterator[OpenAI]:
    """The client, which retries nothing."""
    with openai.OpenAI(base_url=server.url, api_key="none", max_retries=0) as made:
        yield made


def _ours(server: Server, request: Request, api: Any, *, stream: bool) -> Generated:
    model = EndpointModel("small", EndpointOptions(server.url, api=api, stream="on" if stream else "off"))
    (batch,) = model.answer([request])
    answer = batch[0]
    assert isinstance(answer, Generated), answer
    return answer


def _chat(client: OpenAI, request: Generate, *, stream: bool) -> Any:
    system: list[Any] = [] if request.system is None else [{"role": "system", "content": request.system}]
    drawn: Any = {"top_p": request.top_p, "seed": request_seed(request)} if request.temperature else {}
    return client.chat.completions.create(
        model="small",
        messages=[*system, {"role": "user", "content": request.prompt}],
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        stop=list(request.stop) or openai.omit,
        **drawn,
        **(STREAM if stream else {"stream": False}),
    )


def _completions(client: OpenAI, request: Generate, *, stream: bool) -> Any:
    drawn: Any = {"top_p": request.top_p, "seed": request_seed(request)} if request.temperature else {}
    return client.completions.create(
        model="small",
        prompt=f"{request.system}\n\n{request.prompt}" if request.system else request.prompt,
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        stop=list(request.stop) or openai.omit,
        **drawn,
        **(STREAM if stream else {"stream": False}),
    )


def _responses(client: OpenAI, request: Generate, *, stream: bool) -> Any:
    drawn: Any = {"top_p": request.top_p} if request.temperature else {}
    return client.responses.create(
        model="small",
        input=[{"role": "user", "content": request.prompt}],
        instructions=openai.omit if request.system is None else request.system,
        max_output_tokens=request.max_tokens,
        temperature=request.temperature,
        store=False,
        stream=stream,
        **drawn,
    )


ASK = {"chat": _chat, "completions": _completions, "responses": _responses}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("api", list(ASK))
def test_the_same_body_is_sent(api: str, stream: bool, server: Server, client: OpenAI) -> None:
    for request in REQUESTS:
        server.bodies.clear()
        list(ASK[api](client, request, stream=stream))
        _ours(server, request, api, stream=stream)
        theirs, ours = server.bodies
        assert ours == theirs


def _read(api: str, found: Any, *, stream: bool) -> tuple[Any, ...]:
    """Text, thoughts, why it ended and tokens, by the client's own objects."""
    if api == "responses":
        if stream:
            found = [
                one.response for one in found if one.type in ("response.completed", "response.incomplete")
            ][-1]
        thoughts = [
            part.text for item in found.output if item.type == "reasoning" for part in item.content or ()
        ]
        refusals = [
            part.refusal
            for item in found.output
            if item.type == "message"
            for part in item.content
            if part.type == "refusal"
        ]
        finish = "stop" if found.status == "completed" else "length"
        assert finish == "stop" or found.incomplete_details.reason == "max_output_tokens"
        text = found.output_text or "".join(refusals)
        return text, "".join(thoughts) or None, finish, found.usage.output_tokens
    parts = list(found) if stream else [found]
    tokens = [part.usage.completion_tokens for part in parts if part.usage][-1]
    (finish,) = [choice.finish_reason for part in parts for choice in part.choices if choice.finish_reason]
    if api == "completions":
        return "".join(choice.text for part in parts for choice in part.choices), None, finish, tokens
    messages = [choice.delta if stream else choice.message for part in parts for choice in part.choices]
    text = "".join(one.content or "" for one in messages) or "".join(one.refusal or "" for one in messages)
    thoughts = [getattr(one, "reasoning_content", None) or "" for one in messages]
    return text, "".join(thoughts) or None, finish, tokens


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("api", list(ASK))
@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("yes, it is so", {}),
        ("", {"tokens": 1}),
        ("ünï 𝄞 \u2028 </b>\r\n\ttabs", {"tokens": 30}),
        ("cut off", {"finish": "length"}),
        ("yes", {"reasoning_content": "hm, well\n\nthen", "tokens": 9}),
        (None, {"refusal": "not I", "tokens": 3}),
        ("ha ha ha ha", {}),
    ],
)
def test_the_same_is_read(
    text: str | None, answer: Body, api: str, stream: bool, server: Server, client: OpenAI
) -> None:
    if api == "completions" and {"refusal", "reasoning_content"} & answer.keys():
        return  # which completions have none of
    server.answer = lambda body: completion(body, text, **answer)
    ours = _ours(server, REQUESTS[0], api, stream=stream)
    theirs = _read(api, ASK[api](client, REQUESTS[0], stream=stream), stream=stream)
    assert (ours.text, ours.thoughts, ours.finish, ours.tokens) == theirs


def test_the_helpers_that_put_streams_together(server: Server, client: OpenAI) -> None:
    """The client has its own, which check more than a loop over the parts does."""
    request = REQUESTS[0]
    with client.chat.completions.stream(
        model="small", messages=[{"role": "user", "content": "what?"}], stream_options={"include_usage": True}
    ) as parts:
        chat = parts.get_final_completion()
    ours = _ours(server, request, "chat", stream=True)
    assert chat.usage is not None
    assert (chat.choices[0].message.content, chat.choices[0].finish_reason, chat.usage.completion_tokens) == (
        ours.text, ours.finish, ours.tokens
    )  # fmt: skip
    with client.responses.stream(model="small", input=[{"role": "user", "content": "what?"}]) as events:
        response = events.get_final_response()
    assert response.output_text == ours.text == words("what?")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500, 503])
def test_what_is_an_error_there_is_none_of_an_answer_here(status: int, client: OpenAI) -> None:
    def answer(body: Body) -> Any:
        if prompt_of(body) == "first":
            return completion(body, "yes")
        return status, {"error": {"message": "no", "code": "c", "param": "p"}}, {}

    from lsm_eval.endpoints.retry_policy import RetryPolicy
    from lsm_eval.errors import UserError

    with serving(answer=answer) as server:
        with pytest.raises(openai.APIStatusError) as raised:
            _chat(client.with_options(base_url=server.url), REQUESTS[0], stream=False)
        model = EndpointModel("small", EndpointOptions(server.url), RetryPolicy(tries=1))
        asked: list[Request] = [Generate("first", chat=True), REQUESTS[0]]
        if status == 401:
            with pytest.raises(UserError, match="rejects the key"):
                list(model.answer(asked))
            return
        found = {at: one for batch in model.answer(asked) for at, one in batch.items()}
    assert raised.value.status_code == status
    assert f"status {status}: no" in found[1].detail  # type: ignore[union-attr]
