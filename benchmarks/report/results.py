"""Results as JSON files that say on which machine and with which versions they were measured, and the report of them all."""

import json
import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.report.plots import draw_plots, plots_of
from benchmarks.report.tables import result_tables
from benchmarks.report.targets import targets_table
from server.inference.processors import available_processors, multiplies_int8, processor

RESULTS = Path(__file__).resolve().parents[1] / "results"
PAGE = RESULTS.parent / "README.md"
PLOTS = RESULTS.parent / "plots"
INTRODUCTION = """# Measured

`make bench` measures all of this again, in about two hours, and writes this page, `results/*.json` and `plots/` (`make bench
ARGS="startup page"` for some of it, `make bench ARGS=--report` for the page alone). Servers, clients and peers share the
cores of one machine, and whatever is compared is measured in turns. A median stands first, smallest and largest behind it.
Figures of the clock tell of the machine's other work, too; those of processor time hardly do. No test asserts any of them.
What has no precision behind its name computes as it comes: in 8-bit integers where the processor multiplies them, else in
bf16 or float32. The targets were set for bf16, before there was an INT8 form of the delivered model. On Intel's processors
bf16 is slower than float32 where a virtual machine hides AMX; it is not taken there by itself. Each peer has an environment
of its own in `.peers`; those with ultralytics borrow it from the project's second one (`make extra`).
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
    """Draws the plots and writes `benchmarks/README.md`."""
    draw_plots({name: result["figures"] for name, result in _results(titles).items()}, PLOTS)
    PAGE.write_text(page_text(titles), encoding="utf-8")


def page_text(titles: Mapping[str, str]) -> str:
    """The introduction, the targets, then each result with its title, its pictures and its tables."""
    results = _results(titles)
    figures = {name: result["figures"] for name, result in results.items()}
    sections = [_section(name, titles[name], result) for name, result in results.items()]
    return "\n".join([INTRODUCTION, f"## Targets\n\n{targets_table(figures)}\n", *sections])


def pictures_of(name: str) -> list[Path]:
    """The plots of a result; one that is not drawn from its figures has its name, and was drawn by the benchmark itself."""
    own = PLOTS / f"{name}.png"
    return [PLOTS / file for file in plots_of(name)] or [own] * own.exists()


def _results(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Those that there are, in order."""
    return {name: _read(name) for name in names if (RESULTS / f"{name}.json").exists()}


def _read(name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return result


def _section(name: str, title: str, result: Mapping[str, Any]) -> str:
    machine_text = ", ".join(f"{key} {value}" for key, value in result["machine"].items())
    measured = f"Measured {result['measured'][:10]}; {machine_text}."
    pictures = "".join(f"![{name}]({file.relative_to(PAGE.parent)})\n\n" for file in pictures_of(name))
    return f"## {name}\n\n{title}\n\n{measured}\n\n{pictures}{result_tables(result['figures'])}\n"


def machine() -> dict[str, Any]:
    """The processor as far as it matters here: cores of this process, and what the detector computes in where it can."""
    found = processor()
    return {
        "processor": found.name,
        "cores": available_processors(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "architecture": platform.machine(),
        "avx512": "avx512f" in found.instructions,
        "bf16": not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(found.instructions),
        "int8": multiplies_int8(found),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def summary(values: Sequence[float]) -> dict[str, float]:
    """Smallest, median and largest."""
    return {
        "min": round(min(values), 2),
        "median": round(statistics.median(values), 2),
        "max": round(max(values), 2),
    }
