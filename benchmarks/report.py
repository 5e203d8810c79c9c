"""Results as JSON files that say on which machine and with which versions they were measured."""

import json
import os
import platform
import statistics
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
PAGE = RESULTS.parent / "README.md"
INTRODUCTION = """# Measured

`make bench` measures all of this again, in a quarter of an hour, and writes this page and `results/*.json`
(`make bench ARGS="startup page"` for some). Client and server share the cores of one machine. A median stands first,
smallest and largest behind it. No test asserts any of these figures.
"""
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


def write_page(titles: Mapping[str, str]) -> None:
    """Writes `benchmarks/README.md`: the introduction, then for each result its title and its figures as a table."""
    parts = [INTRODUCTION]
    for name, title in titles.items():
        file = RESULTS / f"{name}.json"
        if file.exists():
            parts.append(_section(name, title, json.loads(file.read_text(encoding="utf-8"))))
    PAGE.write_text("\n".join(parts), encoding="utf-8")


def _section(name: str, title: str, result: dict[str, Any]) -> str:
    machine_text = ", ".join(f"{key} {value}" for key, value in result["machine"].items())
    rows = "\n".join(f"| {label} | {value} |" for label, value in _rows(result["figures"]))
    measured = f"Measured {result['measured'][:10]}; {machine_text}."
    return f"## {name}\n\n{title}\n\n{measured}\n\n| figure | value |\n|---|---|\n{rows}\n"


def _rows(figures: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Figures one a row; smallest, median and largest stand together."""
    for key, value in figures.items():
        label = f"{prefix}{key}"
        if isinstance(value, dict) and set(value) == {"min", "median", "max"}:
            yield label, f"**{value['median']}** ({value['min']} to {value['max']})"
        elif isinstance(value, dict):
            yield from _rows(value, f"{label}, ")
        else:
            yield label, str(value)


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
