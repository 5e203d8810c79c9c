"""Results as JSON files that say on which machine and with which versions they were measured."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
PACKAGES = ("aiohttp", "aiortc", "av", "numpy", "opencv-python-headless", "openvino")


def write_result(name: str, figures: dict[str, Any]) -> None:
    """Writes `results/NAME.json` and prints the figures."""
    result = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": {package: version(package) for package in PACKAGES},
        "figures": figures,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"{name}: {json.dumps(figures, indent=2)}", flush=True)


def machine() -> dict[str, Any]:
    """The processor as far as it matters here: cores of this process, and bf16, which OpenVINO computes in where it can."""
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "architecture": platform.machine(),
        "avx512": "avx512f" in flags,
        "bf16": "avx512_bf16" in flags or "amx_bf16" in flags,
        "python": platform.python_version(),
    }


def summary(values: Sequence[float]) -> dict[str, float]:
    """Smallest, median and largest."""
    return {
        "min": round(min(values), 2),
        "median": round(statistics.median(values), 2),
        "max": round(max(values), 2),
    }
