"""A server on loopback in a process of its own, which answers chats and completions after a while: as little of a server as
a client that behaves needs.

    python endpoints_server.py PAUSE_SECONDS [BYTES_OF_TEXT]
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_TEXT = "Seven times that is what one gets by adding it to itself six times over, and no more than that."


class _Server(asyncio.Protocol):
    pause = 0.0
    text = _TEXT
    count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.held, self.awaited = transport, bytearray(), 0

    def data_received(self, data: bytes) -> None:
        self.held += data
        while len(self.held) >= self.awaited and (end := self.held.find(b"\r\n\r\n")) >= 0:
            head = bytes(self.held[:end]).lower()
            _, found, after = head.partition(b"content-length:")
            length = int(after.split(b"\r\n", 1)[0]) if found else 0
            self.awaited = end + 4 + length
            if len(self.held) < self.awaited:
                return
            del self.held[: self.awaited]
            self.awaited = 0
            asyncio.get_running_loop().call_later(self.pause if length else 0, self.answer, b"/chat/" in head)

    def answer(self, chat: bool) -> None:
        _Server.count += 1
        part = {"message": {"role": "assistant", "content": self.text}} if chat else {"text": self.text}
        tokens = len(self.text) // 4
        usage = {"prompt_tokens": 160, "completion_tokens": tokens, "total_tokens": 160 + tokens}
        choice = {"index": 0, **part, "finish_reason": "stop"}
        body = json.dumps({"id": f"c-{_Server.count}", "choices": [choice], "usage": usage})
        self.transport.write(
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )


async def _serve(pause: float, size: int) -> None:
    _Server.pause = pause
    _Server.text = _TEXT if not size else (_TEXT * (size // len(_TEXT) + 1))[:size]
    server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def serving(pause: float, size: int = 0) -> Iterator[str]:
    """Base URL of a server that answers after `pause` seconds, with `size` bytes of text where that is not 0."""
    process = subprocess.Popen(
        [sys.executable, __file__, str(pause), str(size)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
