"""Streams under several limits of time at once, and given up in the midst: each ends with the right name, and nothing is left."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

from stream_bytes import event

from lsm_eval.endpoints.address import read_address
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.outcome import Retryable
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.endpoints.streams.quirks import StreamQuirks
from lsm_eval.endpoints.streams.stream import Stream
from lsm_eval.endpoints.transport import Transport

_LAST = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}) + event("[DONE]")


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    draw = random.Random(await reader.readuntil(b"\r\n\r\n"))
    try:
        body = int(await reader.readexactly(4))
        draw = random.Random(body)
        writer.write(b"HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        await asyncio.sleep(draw.choice([0, 0, 0.5]))
        for at in range(draw.randint(1, 6)):
            writer.write(event({"choices": [{"index": 0, "delta": {"content": f"{at} "}}]}))
            await asyncio.sleep(draw.choice([0, 0.05, 0.1, 0.3]))
        writer.write(_LAST)
        await asyncio.sleep(draw.choice([0, 0.2, 1.5]))
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


def test_whatever_limit_comes_first() -> None:
    seen: Counter[str] = Counter()
    draw = random.Random(5)

    async def ask(transport: Transport, number: int) -> None:
        retry_policy = RetryPolicy(
            stall_seconds=draw.choice([0.15, 0.25]), stream_seconds=draw.choice([0.5, 0.75, 4])
        )
        stream = Stream("chat/completions", StreamQuirks(), retry_policy, ends=True, sure=False)
        body = f"{number:4}".encode()
        found = await transport.post("chat/completions", body, draw.choice([0.25, 1]), stream=stream)
        await asyncio.sleep(0)  # a cancellation that was left behind would come now
        task = asyncio.current_task()
        assert task is not None
        assert not task.cancelling()
        seen[found.fault if isinstance(found, Retryable) else str(found[0])] += 1

    async def give_up(transport: Transport, number: int) -> None:
        task = asyncio.create_task(ask(transport, number))
        await asyncio.sleep(draw.random() * 0.3)
        seen["given up"] += task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def main() -> None:
        server = await asyncio.start_server(_serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        transport = Transport(read_address(f"http://127.0.0.1:{port}/v1"), Key())
        await asyncio.gather(
            *(give_up(transport, at) if at % 4 == 0 else ask(transport, at) for at in range(160))
        )
        assert not transport._deadlines._running
        await transport.close()
        server.close()
        await asyncio.sleep(1.6)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert set(seen) == {"200", "timeout", "stalled", "given up"}
    assert sum(seen.values()) >= 160
