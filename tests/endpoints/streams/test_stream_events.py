"""Server-sent events, split anywhere."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsm_eval.endpoints.streams.events import Events


def _read(parts: Iterable[bytes]) -> list[tuple[str, bytes]]:
    events = Events()
    return [one for part in parts for one in events.feed(part)] + events.end()


@pytest.mark.parametrize(
    ("text", "events"),
    [
        (b"data: a\n\n", [("", b"a")]),
        (b"data:a\n\n", [("", b"a")]),
        (b"data:  a\n\n", [("", b" a")]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [("", b"a"), ("", b"b")]),
        (b"data: a\r\rdata: b\r\r", [("", b"a"), ("", b"b")]),
        (b"data: a\ndata: b\n\n", [("", b"a\nb")]),
        (b"data\ndata: b\n\n", [("", b"\nb")]),
        (b": keep-alive\n\n:\n\ndata: a\n\n", [("", b"a")]),
        (b"event: done\ndata: a\n\ndata: b\n\n", [("done", b"a"), ("", b"b")]),
        (b"event: nothing\n\ndata: b\n\n", [("", b"b")]),
        (b"event: done\nevent\ndata: b\n\n", [("", b"b")]),
        (b"id: 3\nretry: 10\nother: x\ndata: a\n\n", [("", b"a")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("", b"a")]),
        (b"data: a\n\ndata: [DONE]", [("", b"a"), ("", b"[DONE]")]),
        (b"data: a\n\n\n\n\ndata: b\n\n", [("", b"a"), ("", b"b")]),
        ("data: ü\u2028x\x0b\x1c\x85\n\n".encode(), [("", "ü\u2028x\x0b\x1c\x85".encode())]),
        (b"", []),
        (b": only words\n", []),
    ],
)
def test_every_way_to_split_it(text: bytes, events: list[tuple[str, bytes]]) -> None:
    assert _read([text]) == events
    assert _read(text[at : at + 1] for at in range(len(text))) == events
    for at in range(len(text)):
        assert _read([text[:at], text[at:]]) == events, at


@given(
    st.lists(st.sampled_from([b"data: ", b"data:", b"x", b"\n", b"\r", b"\r\n", b":", b"event: e", b""])),
    st.data(),
)
def test_where_it_is_split_changes_nothing(parts: list[bytes], data: st.DataObject) -> None:
    text = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    split = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert _read(split) == _read([text])


def test_long_lines_cost_no_more_a_byte() -> None:
    """A line of 8 MB in parts of 16 bytes: where the line so far were joined with each part, it would take hours."""
    line = b"x" * 8_000_000
    began = time.process_time()
    ((_, found),) = _read([b"data: ", *(line[at : at + 16] for at in range(0, len(line), 16)), b"\n\n"])
    assert found == line
    assert time.process_time() - began < 5
