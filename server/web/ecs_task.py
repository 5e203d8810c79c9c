"""The ECS task that this server runs in: its protection and its metrics, where the settings and the surroundings have them."""

import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from server.config.settings import Ecs
from server.transports.registry import SessionRegistry
from server.web.ecs_metadata import EcsEndpoints, read_task_metadata
from server.web.embedded_metrics import EmbeddedMetrics
from server.web.task_protection import TaskProtection


@asynccontextmanager
async def ecs_task(
    settings: Ecs, *, endpoints: EcsEndpoints, registry: SessionRegistry, wall_clock: Callable[[], float] = time.time
) -> AsyncIterator[None]:
    """Protects the task and writes metrics inside the block, where this is a task of ECS; else nothing.

    Raises SettingsError where ECS does not tell the name of the cluster, under which the metrics stand.
    """
    async with AsyncExitStack() as stack:
        if settings.metrics == "auto" and endpoints.metadata_url:
            cluster = (await read_task_metadata(endpoints)).cluster_name
            metrics = EmbeddedMetrics(
                lambda: {"ActiveStreams": len(registry)}, cluster=cluster, write=_write_line, wall_clock=wall_clock
            )
            stack.push_async_callback(metrics.aclose)
            metrics.start()
        if settings.task_protection == "auto" and endpoints.agent_url:
            protection = TaskProtection(endpoints.agent_url, registry=registry)
            stack.push_async_callback(protection.aclose)
            protection.start()
        yield


def _write_line(line: str) -> None:
    """One write for a whole line: nothing else may come between."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
