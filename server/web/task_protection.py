"""Task protection: while live sessions run, ECS ends no task to scale in or to deploy."""

import asyncio
import logging
from typing import Any

import aiohttp
import msgspec

from server.transports.registry import Change, SessionRegistry
from server.web.outgoing import create_client

logger = logging.getLogger(__name__)

PATH = "/task-protection/v1/state"
# A task whose process hangs stays protected no longer than this.
EXPIRES_MIN = 15
RENEW_S = 600.0
# ECS refuses while it waits for this very task to end (DEPLOYMENT_BLOCKED), and when it is asked too often.
RETRY_S = 30.0
# A page that connects again after a break would otherwise cost two calls each time.
IDLE_S = 10.0
TIMEOUT_S = 5.0


class _Failure(msgspec.Struct, frozen=True, rename="pascal"):
    reason: str = ""
    detail: str = ""


class _Error(msgspec.Struct, frozen=True, rename="pascal"):
    code: str = ""
    message: str = ""


class _State(msgspec.Struct, frozen=True, rename="pascal"):
    protection_enabled: bool = False


class _Answer(msgspec.Struct, frozen=True):
    """What the agent answers: one of the three."""

    protection: _State | None = None
    failure: _Failure | None = None
    error: _Error | None = None


class TaskProtection:
    """Protects the task from the first session to the last, from `start()` to `aclose()`, through the agent of ECS.

    A refusal changes nothing for the sessions: it is logged once, the task counts as unprotected, and the agent is asked again
    after `retry_s`. So after a deployment that was blocked the protection comes back by itself.
    """

    def __init__(
        self,
        agent_url: str,
        *,
        registry: SessionRegistry,
        renew_s: float = RENEW_S,
        retry_s: float = RETRY_S,
        idle_s: float = IDLE_S,
    ) -> None:
        self._url = f"{agent_url}{PATH}"
        self._registry = registry
        self._renew_s = renew_s
        self._retry_s = retry_s
        self._idle_s = idle_s
        self._http = create_client(read_timeout_s=TIMEOUT_S, total_timeout_s=TIMEOUT_S)
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._refused = ""
        self.protected = False

    def start(self) -> None:
        """Begins to follow the sessions."""
        self._registry.changes.subscribe(self)
        self._task = asyncio.create_task(self._follow(), name="protect the task")

    def put(self, item: Change) -> None:
        """Notes that sessions have come or gone."""
        self._changed.set()

    async def aclose(self) -> None:
        """Gives the protection back and ends."""
        self._registry.changes.unsubscribe(self)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self.protected:
            await self._ask(enabled=False)
        await self._http.close()

    async def _follow(self) -> None:
        while True:
            if not len(self._registry) and not self.protected:
                await self._wait(None)
            elif len(self._registry):
                granted = await self._ask(enabled=True)
                await self._pause(self._renew_s if granted else self._retry_s)
            elif not await self._wait(self._idle_s) and not await self._ask(enabled=False):
                await asyncio.sleep(self._retry_s)

    async def _pause(self, seconds: float) -> None:
        """Waits until it is time to ask again, or no session is left."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + seconds
        while len(self._registry) and (left := ends_at - loop.time()) > 0:
            await self._wait(left)

    async def _wait(self, seconds: float | None) -> bool:
        """Waits for a change, `seconds` at most; tells whether there was one."""
        self._changed.clear()
        try:
            async with asyncio.timeout(seconds):
                return await self._changed.wait()
        except TimeoutError:
            return False

    async def _ask(self, *, enabled: bool) -> bool:
        """Tells the agent whether we want protection; whether it does as it was told."""
        wanted: dict[str, Any] = {"ProtectionEnabled": enabled}
        if enabled:
            wanted["ExpiresInMinutes"] = EXPIRES_MIN
        try:
            async with self._http.put(self._url, json=wanted) as response:
                answer = msgspec.json.decode(await response.read(), type=_Answer)
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError, UnicodeError) as exc:
            return self._note_refusal(f"the agent of ECS does not answer: {exc!r}", wanted=enabled)
        if answer.failure is not None:
            return self._note_refusal(f"{answer.failure.reason}: {answer.failure.detail}", wanted=enabled)
        if answer.error is not None or answer.protection is None:
            error = answer.error or _Error("no state in the answer")
            return self._note_refusal(f"{error.code}: {error.message}", wanted=enabled)
        return self._note_state(answer.protection, wanted=enabled)

    def _note_state(self, state: _State, *, wanted: bool) -> bool:
        if self.protected != state.protection_enabled:
            logger.info("ECS %s this task", "protects" if state.protection_enabled else "no longer protects")
        self.protected = state.protection_enabled
        self._refused = ""
        return self.protected == wanted

    def _note_refusal(self, reason: str, *, wanted: bool) -> bool:
        if reason != self._refused:
            logger.warning("ECS does not change the protection of this task, asking again: %s", reason)
        self._refused = reason
        # What we could not give back we still have.
        self.protected = self.protected and not wanted
        return False
