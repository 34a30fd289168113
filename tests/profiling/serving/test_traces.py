"""Traces and the prompts that are made of them."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from lsm_eval.errors import UserError
from lsm_eval.profiling.serving.prompts import Scale, made, replayed, scale_from
from lsm_eval.profiling.serving.traces import TracedRequest, read_trace

AZURE = (
    "TIMESTAMP,ContextTokens,GeneratedTokens\n"
    "2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n2023-11-16 18:15:51.2224670,879,0\n"
)


def mooncake(*rows: tuple[int, int, int, list[int]]) -> str:
    names = ("timestamp", "input_length", "output_length", "hash_ids")
    return "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows)


def test_azures_is_read_to_the_tenth_of_a_microsecond(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(AZURE)
    trace = read_trace(path, "azure", speed=2.0)
    assert [round(one.at, 6) for one in trace.requests] == [0.0, 4.314579, 4.541877]
    assert [(one.prompt_tokens, one.output_tokens) for one in trace.requests] == [
        (374, 44),
        (396, 109),
        (879, 1),
    ]
    assert trace.schedule == pytest.approx([0, 2_157_289_500, 2_270_938_500], abs=100)
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(AZURE.encode()))
    assert read_trace(packed, "azure").requests == trace.requests


def test_parts_of_a_trace(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(AZURE)
    assert len(read_trace(path, "azure", requests=2).requests) == 2
    assert len(read_trace(path, "azure", seconds=4.4).requests) == 2
    assert len(read_trace(path, "azure", seconds=4.4, speed=2).requests) == 3  # as replayed


@pytest.mark.parametrize(
    ("form", "content"),
    [("azure", mooncake((0, 1, 1, []))), ("mooncake", AZURE), ("azure", "TIMESTAMP,ContextTokens,GeneratedTokens\n"),
     ("azure", AZURE + "2023-11-16 18:15:40.0,1,1\n"), ("azure", AZURE + "yesterday,1,1\n"), ("azure", AZURE + "2023-11-16 18:16:40,x\n"),
     ("mooncake", mooncake((5, 1, 1, []), (4, 1, 1, []))), ("mooncake", '{"timestamp": 0}\n'), ("mooncake", ""), ("azure", ""),
     ("mooncake", mooncake((0, -1, 1, []))), ("mooncake", '{"timestamp": "NaN", "input_length": 1, "output_length": 1}\n')],
)  # fmt: skip
def test_what_is_no_such_trace_is_refused(tmp_path: Path, form: str, content: str) -> None:
    path = tmp_path / "trace"
    path.write_text(content)
    with pytest.raises(UserError, match="--trace"):
        read_trace(path, form)  # type: ignore[arg-type]


def test_files_that_cannot_be_read_and_speeds_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_trace(tmp_path / "no", "azure")
    broken = tmp_path / "b.gz"
    broken.write_bytes(gzip.compress(AZURE.encode())[:-20])
    with pytest.raises(UserError, match="cannot be read"):
        read_trace(broken, "azure")
    for speed in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(UserError, match="--speed"):
            read_trace(broken, "azure", speed=speed)


def test_real_traces(shared: Path) -> None:
    conv = read_trace(shared / "data/azure-llm-trace/AzureLLMInferenceTrace_conv.csv.gz", "azure")
    assert len(conv.requests) == 19_366
    assert (conv.requests[0].prompt_tokens, conv.requests[0].output_tokens) == (374, 44)
    chats = read_trace(shared / "data/mooncake-trace/conversation_trace.jsonl.gz", "mooncake", requests=50)
    assert chats.requests[1].blocks[:2] == (0, 14)
    one, two = (replayed(0, at, chats.requests[at], Scale()) for at in (0, 1))
    assert len(one.split()) == chats.requests[0].prompt_tokens == 6758
    assert one.split()[:512] == two.split()[:512]  # the block that all of them begin with
    assert one.split()[512:1024] != two.split()[512:1024]


def test_prompts_share_what_their_hashes_share() -> None:
    scale = Scale(around=10.0, each=2.0, known=True)
    long = replayed(7, 0, TracedRequest(0, 10 + 2 * 600, 1, (3, 4, 5)), scale).split()
    short = replayed(7, 1, TracedRequest(0, 10 + 2 * 300, 1, (3, 4)), scale).split()
    assert (len(long), len(short)) == (600, 300)
    assert long[:300] == short  # the second block of the shorter one is cut short
    other = replayed(7, 1, TracedRequest(0, 10 + 2 * 300, 1, (8, 4)), scale).split()
    assert other[:256] != short[:256]
    assert other[256:] == short[256:]
    assert replayed(7, 0, TracedRequest(0, 50, 1), scale) != replayed(7, 1, TracedRequest(0, 50, 1), scale)


def test_lengths_of_prompts_follow_the_scale() -> None:
    scale = scale_from((8, 26), (136, 282))
    assert (scale.around, scale.each, scale.known) == (10.0, 2.0, True)
    assert len(made(0, 0, 110, scale).split()) == 50
    assert made(0, 0, 3, scale)  # never empty
    assert made(0, 4, 110, scale) == made(0, 4, 110, scale) != made(1, 4, 110, scale)
    assert len({tuple(made(0, at, 110, scale).split()[:8]) for at in range(200)}) == 200  # nothing is shared
    assert not scale_from((8, None), (136, 280)).known
    assert not scale_from((8, 30), (136, 30)).known


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            '{"timestamp": 1' + "0" * 400 + ', "input_length": 5, "output_length": 4}',
            "line 1: it is no object",
        ),
        ('{"timestamp": 1e300, "input_length": 5, "output_length": 4}', "line 1: it is no object"),
        ('{"timestamp": 0, "input_length": 2000000000000, "output_length": 4}', "a request of 2e+12 tokens"),
    ],
)
def test_numbers_that_no_request_has_are_refused(tmp_path: Path, row: str, said: str) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(row)
    with pytest.raises(UserError, match=re.escape(said)):
        read_trace(path, "mooncake")
    for speed in (1e-300, 1e300, 0.0):
        with pytest.raises(UserError, match="--speed"):
            read_trace(path, "mooncake", speed=speed)
