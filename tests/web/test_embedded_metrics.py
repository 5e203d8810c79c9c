"""Tests of embedded metrics."""

import json

from server.web.embedded_metrics import EmbeddedMetrics, metric_line
from tests.transports.rig import eventually


def test_a_line_is_what_cloudwatch_reads() -> None:
    """Namespace, dimension, metric and value are where the format has them; it is one line."""
    line = metric_line({"ActiveStreams": 0}, cluster="sightline", now_s=1_800_000_000.5)
    assert "\n" not in line
    assert json.loads(line) == {
        "_aws": {
            "Timestamp": 1_800_000_000_500,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Sightline",
                    "Dimensions": [["Cluster"]],
                    "Metrics": [{"Name": "ActiveStreams", "Unit": "Count"}],
                }
            ],
        },
        "Cluster": "sightline",
        "ActiveStreams": 0,
    }


async def test_writes_at_once_and_then_each_period() -> None:
    """The first value does not wait a minute, and zeros are written, too."""
    values = iter([0, 2, 0])
    lines: list[str] = []
    metrics = EmbeddedMetrics(
        lambda: {"ActiveStreams": next(values)}, cluster="c", write=lines.append, period_s=0.001, wall_clock=lambda: 1.0
    )
    metrics.start()
    await eventually(lambda: len(lines) == 3)
    await metrics.aclose()
    assert [json.loads(line)["ActiveStreams"] for line in lines] == [0, 2, 0]
