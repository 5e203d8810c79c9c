"""Writes the table of bad inputs and their answers into docs/security.md: `python -m tests.security.table`."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import REPOSITORY
from tests.security.bad_input import BadInput

PAGE = REPOSITORY / "docs" / "security.md"
BEGIN = "<!-- Written by `make security-table` from tests/security; tests keep it equal. -->"
END = "<!-- The end of what is written. -->"


@dataclass(frozen=True, slots=True)
class Group:
    """The cases of one module."""

    title: str
    cases: Sequence[BadInput]


def groups() -> list[Group]:
    """All cases, by the names of their modules."""
    names = sorted(file.stem for file in Path(__file__).parent.glob("cases_*.py"))
    modules = [importlib.import_module(f"tests.security.{name}") for name in names]
    return [Group(module.TITLE, module.CASES) for module in modules]


def table() -> str:
    """What stands between the two marks of the page."""
    return "\n".join([f"{sum(len(group.cases) for group in groups())} bad inputs are tried.\n", *map(_section, groups())])


def with_table(page: str) -> str:
    """The page with the present table; ValueError where it has no marks."""
    before, _, rest = page.partition(BEGIN)
    if not rest or END not in rest:
        raise ValueError(f"{PAGE.name} has no place for the table")
    return f"{before}{BEGIN}\n\n{table()}\n{END}{rest.partition(END)[2]}"


def _section(group: Group) -> str:
    rows = [f"| {_cell(case.sent)} | {case.status or 'stays open'} | {_cell(case.sentence)} |" for case in group.cases]
    return "\n".join([f"### {group.title}\n", "| sent | status | answer |", "|---|---|---|", *rows, ""])


def _cell(text: str) -> str:
    """Text within a cell: a bar would end it, a line break the table, and outside of code an angle bracket begins HTML."""
    pieces = " ".join(text.replace("|", r"\|").split()).split("`")
    return "`".join(piece if number % 2 else piece.replace("<", "&lt;") for number, piece in enumerate(pieces))


def main() -> None:
    """Writes the page."""
    PAGE.write_text(with_table(PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
