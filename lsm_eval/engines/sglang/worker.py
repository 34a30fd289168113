"""SGLang's engine in a thread of its own, where its event loop runs, so that Ctrl-C and SIGTERM stay those of lsm-eval."""

from __future__ import annotations

import asyncio
import atexit
import gc
import signal
import threading
import weakref
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, ClassVar, TypeVar

from lsm_eval.errors import UserError

T = TypeVar("T")
_SECONDS = 90.0  # SGLang itself waits a minute for its processes to end


class Worker:
    """SGLang's engine, its thread, and a watch over its processes."""

    engine: Any
    """Its methods are called in its thread only."""
    server: Mapping[str, Any]
    """What it says of itself (`get_server_info`)."""
    _open: ClassVar[bool] = False

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        """Loads the weights. Raises whatever SGLang raises, and `UserError` if one of its processes fails."""
        if Worker._open:
            gc.collect()  # of a model that is no longer used
        if Worker._open:
            raise UserError(
                "SGLang computes one model at a time in a process: name the other one with hf:, or ask a server for it (--model "
                "openai:MODEL --base-url URL)."
            )
        Worker._open = True
        self._watch = _Watch()
        before = _children()
        ready: Future[tuple[Any, Mapping[str, Any]]] = Future()
        self._thread = threading.Thread(
            target=_serve, args=(dict(arguments), ready), name="sglang", daemon=True
        )
        self._thread.start()
        try:
            self.engine, self.server = ready.result()
        except BaseException:
            Worker._open = False
            self._watch.over = True  # the other processes may report, too, and are not listened to
            for child in _children() - before:
                with suppress(Exception):
                    child.kill()
            raise
        self._end = weakref.finalize(self, _close, self.engine, self._thread, self._watch)
        self._end.atexit = False  # SGLang sees to that

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run it in the engine's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.engine.loop)

    def result(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it in the engine's loop and wait; it is cancelled if the wait is interrupted."""
        running = self.start(work)
        try:
            return running.result()
        except BaseException:
            running.cancel()
            raise

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Call it in the engine's loop, without waiting."""
        self.engine.loop.call_soon_threadsafe(function, *arguments)

    def close(self) -> None:
        """End SGLang's processes, and with them the weights."""
        self._end()


def _close(engine: Any, thread: threading.Thread, watch: _Watch) -> None:
    engine.loop.call_soon_threadsafe(engine.loop.stop)
    if threading.current_thread() is not thread:
        thread.join(_SECONDS)
    atexit.unregister(engine.shutdown)
    watch.end()
    Worker._open = False


def _serve(arguments: dict[str, Any], ready: Future[tuple[Any, Mapping[str, Any]]]) -> None:
    """The thread: makes the engine and runs its loop until that is stopped."""
    try:
        from sglang.srt.entrypoints.engine import Engine

        asyncio.set_event_loop(asyncio.new_event_loop())  # after the import, which chooses the kind of loop
        engine = Engine(**arguments)
        server = engine.get_server_info()
    except BaseException as error:  # noqa: BLE001 (raised again in the waiting thread)
        ready.set_exception(error if isinstance(error, Exception) else RuntimeError(repr(error)))
        return
    ready.set_result((engine, server))
    engine.loop.run_forever()
    tasks = asyncio.all_tasks(engine.loop)
    for task in tasks:
        task.cancel()
    if tasks:
        engine.loop.run_until_complete(asyncio.wait(tasks, timeout=10))
    engine.shutdown()


class _Watch:
    """Turns SIGQUIT, which SGLang's processes send when they fail, into an error of the main thread. SGLang itself would end this
    process."""

    def __init__(self) -> None:
        self.over = False
        """Whether a failure was reported, or is no longer of interest."""
        self._before: Any = None
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGQUIT, self._failed) or signal.SIG_DFL

    def _failed(self, number: int, frame: object) -> None:
        if not self.over:
            self.over = True
            raise UserError(
                "SGLang has stopped: one of its processes failed, and says above why. If memory is short, use a smaller model, more "
                "GPUs, or --dtype bfloat16."
            )

    def end(self) -> None:
        """Let SIGQUIT mean what it meant before."""
        self.over = True
        if self._before is not None:
            with suppress(ValueError):  # only the main thread may
                signal.signal(signal.SIGQUIT, self._before)


def _children() -> set[Any]:
    import psutil

    return set(psutil.Process().children(recursive=True))
