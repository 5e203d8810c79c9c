"""A thread for one call that may hang: in FFmpeg, or where a name is resolved."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def in_own_thread(function: Callable[[], Result], *, name: str) -> "asyncio.Future[Result]":
    """Calls it on a thread of its own, which keeps neither the loop nor the process from ending.

    Whoever cancels the future, or forgets it, leaves the thread behind until the call comes back.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result | None, failure: Exception | None) -> None:
        if future.done():
            return
        if failure is not None:
            future.set_exception(failure)
        else:
            future.set_result(result)  # type: ignore[arg-type] # None only where Result has it

    def run() -> None:
        result, failure = None, None
        try:
            result = function()
        # A thread hands its failure to the future, whose owner deals with it.
        except Exception as exc:  # noqa: BLE001
            failure = exc
        try:
            loop.call_soon_threadsafe(settle, result, failure)
        except RuntimeError:  # the loop has ended meanwhile
            return

    threading.Thread(target=run, name=name[:60], daemon=True).start()
    return future
