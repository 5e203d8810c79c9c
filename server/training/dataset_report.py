"""Dataset report: what a data set holds and what is wrong with it, for a person and as JSON."""

from collections.abc import Iterator, Sequence

import msgspec

ERROR, WARNING = "error", "warning"
EXAMPLES = 5
"""So many places of each kind are named; the count says how many there are."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong; `severity` is error (stops the training) or warning."""

    severity: str
    what: str
    split: str
    count: int
    examples: list[str]
    advice: str


class SplitFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What one split holds. Sizes are those of the longest side at input size, from each bound to the next."""

    pictures: int
    without_objects: int
    objects: int
    by_class: dict[str, int]
    sizes_px: dict[str, int]


class DatasetReport(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    data: str
    imgsz: int
    splits: dict[str, SplitFacts]
    findings: list[Finding]

    @property
    def errors(self) -> list[Finding]:
        """What stops a training."""
        return [one for one in self.findings if one.severity == ERROR]


def encode_report(report: DatasetReport) -> bytes:
    """The report as JSON."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def report_text(report: DatasetReport) -> str:
    """The report for a person."""
    return "\n".join(
        [f"{report.data}, objects measured at an input of {report.imgsz} px", "", *_facts(report), *_findings(report)]
    )


def _facts(report: DatasetReport) -> Iterator[str]:
    splits = report.splits
    yield _row("", splits)
    yield _row("pictures", [one.pictures for one in splits.values()])
    yield _row("  that show nothing", [one.without_objects for one in splits.values()])
    yield _row("objects", [one.objects for one in splits.values()])
    first = next(iter(splits.values()))
    for name in first.by_class if len(first.by_class) > 1 else ():
        yield _row(f"  {name}", [_with_share(one.by_class[name], one.objects) for one in splits.values()])
    yield "objects by longest side"
    for bounds in first.sizes_px:
        yield _row(f"  {bounds} px", [_with_share(one.sizes_px[bounds], one.objects) for one in splits.values()])


def _findings(report: DatasetReport) -> Iterator[str]:
    yield ""
    if not report.findings:
        yield "nothing is wrong with it"
    for one in sorted(report.findings, key=lambda finding: finding.severity != ERROR):
        yield f"{one.severity}: {one.count} x {one.what} ({one.split}): {one.advice}"
        yield from (f"    {example}" for example in one.examples)
        if one.count > len(one.examples):
            yield f"    and {one.count - len(one.examples)} more"


def _row(name: str, cells: Sequence[object] | dict[str, SplitFacts]) -> str:
    return f"{name:<28}" + "".join(f"{cell!s:>16}" for cell in cells)


def _with_share(count: int, total: int) -> str:
    return f"{count} ({100 * count / max(total, 1):.0f} %)"
