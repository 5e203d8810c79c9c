"""The key watch: notices what `sightline keys` does to the key file, and that a generated key's file is gone."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

from server.domain.errors import SettingsError
from server.pipeline.supervised_task import SupervisedTask
from server.web.api_key import ApiKey
from server.web.credentials import Keys
from server.web.held_open import HeldOpen
from server.web.key_file import KeyFile, Stamp

logger = logging.getLogger(__name__)

T = TypeVar("T")

# A look is a stat() or two on a thread.
LOOK_EVERY_S = 1.0


class KeyWatch:
    """Looks at the files of `keys` once a second between `start()` and `aclose()`, and ends what keys that are gone hold open.

    A file that is gone holds no key; one that cannot be read leaves the keys as they were, and is told of once.
    """

    def __init__(self, keys: Keys, *, held: HeldOpen, io: Executor) -> None:
        self._keys = keys
        self._held = held
        self._io = io
        self._seen: Stamp | None = None
        self._trouble = ""
        self._task = SupervisedTask(self._look_again_and_again, name="watch the key file")

    def start(self) -> None:
        """Begins to look; a server that asks for no key by its settings has no file to look at."""
        if self._keys.file is not None:
            self._task.start()

    async def aclose(self) -> None:
        """Looks no more."""
        await self._task.aclose()

    async def look(self) -> None:
        """Takes over what has changed since the last look."""
        file, generated = self._keys.file, self._keys.generated
        if file is None:
            return
        try:
            if generated is not None and not await self._on_io(generated.is_kept):
                await self._held.end(self._keys.end_generated())
            found = await self._on_io(partial(self._read, file))
        except (SettingsError, OSError) as exc:
            self._tell(str(exc))
            return
        self._trouble = ""
        if found is not None:
            await self._take(found)

    async def _look_again_and_again(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _on_io(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._io, question)

    def _read(self, file: KeyFile) -> tuple[ApiKey, ...] | None:
        """The keys where the file has changed; runs on a thread. The stamp is taken first, so that no change is missed."""
        stamp = file.stamp()
        if stamp == self._seen:
            return None
        named = file.read()
        self._seen = stamp
        return named

    async def _take(self, named: tuple[ApiKey, ...]) -> None:
        gone = self._keys.replace_named(named)
        logger.info("named keys: %s", ", ".join(f"{key.name} ({key.right.value})" for key in named) or "none")
        if gone:
            await self._held.end(gone)

    def _tell(self, trouble: str) -> None:
        if trouble != self._trouble:
            logger.error("the keys stay as they were: %s", trouble)
        self._trouble = trouble
