"""What `make faults` adds to pytest (`-p tests.faults.page`): thoroughness, a summary, and docs/faults.md."""

import inspect
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.served import Served

INTRODUCTION = """# Faults

What goes wrong on purpose in the tests, and what holds afterwards. `make faults` tries each of them and writes this page;
`make test` tries each a tenth as hard. After each the server answers, what was stored is there and nothing is half-written, and
the log names in one line what has happened. Another live stream, the witness, runs beside it: its results must be of frames of
now, during the fault and after it. Ages are those of its boxes in the last pictures before and after, as measured in the run
that wrote this page; no test asserts one.
"""
_RESULTS = pytest.StashKey[list["Result"]]()


@dataclass(frozen=True, slots=True)
class Result:
    """One fault, and what came of it; `ages` are those of the witness' boxes in ms, where there is one."""

    name: str
    text: str
    place: str
    survived: bool
    ages: dict[str, float]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--thorough` and `--faults-page`."""
    parser.addoption("--thorough", action="store_true", help="do ten times as much of what a fault is made of")
    parser.addoption("--faults-page", type=Path, help="write what came of the faults to this page")


def pytest_configure(config: pytest.Config) -> None:
    """Begins to collect."""
    config.stash[_RESULTS] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Notes what came of a fault."""
    report = yield
    marker = item.get_closest_marker("fault")
    if marker is not None and (report.when == "call" or (report.when == "setup" and not report.passed)):
        text = " ".join(inspect.cleandoc(item.function.__doc__ or "").split())
        ages = _take_ages(item)
        place = item.nodeid.split("::")[0]
        item.config.stash[_RESULTS].append(Result(marker.args[0], text, place, report.passed, ages))
    return report


def _take_ages(item: pytest.Function) -> dict[str, float]:
    """Those that this test has measured."""
    served = item.funcargs.get("served")
    if not isinstance(served, Served):
        return {}
    ages, served.ages = served.ages, {}
    return dict(ages)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tells how many there were and how many were survived, and writes the page."""
    results = config.stash[_RESULTS]
    survived = sum(result.survived for result in results)
    lost = "nothing lost" if survived == len(results) else "see the failures above for what was lost"
    terminalreporter.write_line(f"{len(results)} faults, {survived} survived, {lost}")
    page: Path | None = config.getoption("--faults-page")
    if page is not None and results:
        page.write_text(_page(results, survived=survived), encoding="utf-8")


def _page(results: list[Result], *, survived: int) -> str:
    rows = [f"| {result.name} | {result.text} | {_ages(result)} | {_verdict(result)} |" for result in _in_order(results)]
    head = ["| what goes wrong | what holds | box age before / after, ms | survived |", "|---|---|---|---|"]
    counts = (
        f"**{len(results)} faults, {survived} survived, nothing lost.**"
        if survived == len(results)
        else "**Not all survived.**"
    )
    return "\n".join([INTRODUCTION, counts, "", *head, *rows, ""])


def _in_order(results: list[Result]) -> list[Result]:
    return sorted(results, key=lambda result: (result.place, result.name))


def _ages(result: Result) -> str:
    return f"{result.ages['before']:.0f} / {result.ages['during']:.0f}" if len(result.ages) == 2 else ""


def _verdict(result: Result) -> str:
    return f"[yes](../{result.place})" if result.survived else f"**no** ({result.place})"
