"""Runs work that needs its own event loop where one is already running: in a notebook, or in `async def`."""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def beside_loop(work: Callable[[], T]) -> T:
    """Returns what `work` returns, or raises what it raises. If an event loop runs in this thread, `work` runs in another thread, and this one
    waits.

    A Ctrl-C stops that thread as it would stop this one, and is raised here once the thread has ended."""
    if not _loop_runs():
        return work()
    outcome: Future[T] = Future()
    context = contextvars.copy_context()

    def do() -> None:
        try:
            outcome.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001 (everything is raised again in the waiting thread)
            outcome.set_exception(error)

    thread = threading.Thread(target=do, name="lsm-eval", daemon=True)
    thread.start()
    try:
        return outcome.result()
    except KeyboardInterrupt:
        if not outcome.done():
            _interrupt(thread)
            thread.join()
        raise


def _interrupt(thread: threading.Thread) -> None:
    """Raise KeyboardInterrupt in another thread, before the next step that it takes in Python."""
    number = ctypes.c_ulong(thread.ident or 0)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(number, ctypes.py_object(KeyboardInterrupt))


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
