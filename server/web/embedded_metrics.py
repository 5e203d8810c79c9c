"""Embedded metrics: the number of live streams once a minute on standard output, which CloudWatch reads out of the log."""

import asyncio
import time
from collections.abc import Callable, Mapping

import msgspec

NAMESPACE = "Sightline"
PERIOD_S = 60.0


def metric_line(values: Mapping[str, int], *, cluster: str, now_s: float) -> str:
    """One line in CloudWatch's embedded metric format; `now_s` is Unix time.

    The dimension is the cluster alone: each task sends a value, so the average of a minute is that of a task, and the sum that
    of the service. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    metrics = [{"Name": name, "Unit": "Count"} for name in values]
    directive = {"Namespace": NAMESPACE, "Dimensions": [["Cluster"]], "Metrics": metrics}
    document = {"_aws": {"Timestamp": int(now_s * 1000), "CloudWatchMetrics": [directive]}, "Cluster": cluster, **values}
    return msgspec.json.encode(document).decode()


class EmbeddedMetrics:
    """Writes a line each period from `start()` to `aclose()`, the first at once; zeros, too.

    Target tracking does not scale in on missing data, so a task without a stream has to say so.
    """

    def __init__(
        self,
        read: Callable[[], Mapping[str, int]],
        *,
        cluster: str,
        write: Callable[[str], None],
        period_s: float = PERIOD_S,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._read = read
        self._cluster = cluster
        self._write = write
        self._period_s = period_s
        self._wall_clock = wall_clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to write."""
        self._task = asyncio.create_task(self._write_lines(), name="embedded metrics")

    async def aclose(self) -> None:
        """Ends."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _write_lines(self) -> None:
        while True:
            self._write(metric_line(self._read(), cluster=self._cluster, now_s=self._wall_clock()))
            await asyncio.sleep(self._period_s)
