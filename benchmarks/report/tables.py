"""Result tables: the figures of a result as tables of Markdown, conditions side by side where they have the same figures."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

SPREAD = {"min", "median", "max"}
# More columns than these do not fit a page.
MOST_COLUMNS = 6
MOST_FIGURES = 12

Figures = Mapping[str, Any]


def result_tables(figures: Figures) -> str:
    """All figures: single ones in one table, groups of the same figures side by side, rows of a list one below another.

    A group of groups with the same figures is a table of its own. What is called `series` is for plots.
    """
    shown = {name: value for name, value in figures.items() if name != "series"}
    singles = {name: value for name, value in shown.items() if not _is_group(value) and not _is_rows(value)}
    parts = [_table(("figure", "value"), singles.items())] if singles else []
    parts += [f"{name}:\n\n{_matrix(value)}" for name, value in shown.items() if _is_matrix(value)]
    parts += _groups({name: value for name, value in shown.items() if _is_group(value) and not _is_matrix(value)})
    parts += [f"{name}:\n\n{_rows(value)}" for name, value in shown.items() if _is_rows(value)]
    return "\n\n".join(parts)


def cell(value: Any) -> str:
    """A figure as it is written: the median first where there is a spread."""
    if isinstance(value, Mapping) and set(value) == SPREAD:
        return f"**{value['median']}** ({value['min']} to {value['max']})"
    if isinstance(value, list):
        return ", ".join(map(cell, value))
    return "-" if value is None else str(value)


def flat(figures: Figures, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested figures one after another, their names joined by commas."""
    for name, value in figures.items():
        if isinstance(value, Mapping) and set(value) != SPREAD:
            yield from flat(value, f"{prefix}{name}, ")
        else:
            yield f"{prefix}{name}", value


def _is_group(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) != SPREAD


def _is_matrix(value: Any) -> bool:
    """Whether it is a group of at least two groups that have the same figures, few enough for columns."""
    if not _is_group(value) or len(value) < 2 or not all(map(_is_group, value.values())):
        return False
    names = [_names(group) for group in value.values()]
    return all(one == names[0] for one in names) and len(names[0]) <= MOST_FIGURES


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)


def _groups(groups: Mapping[str, Figures]) -> Iterator[str]:
    """Neighbours that have the same figures make one table, a column each; others a table of their own."""
    waiting = dict(groups)
    while waiting:
        first = next(iter(waiting))
        same = [name for name in waiting if _names(waiting[name]) == _names(waiting[first])]
        beside = same[:MOST_COLUMNS]
        yield _beside({name: waiting.pop(name) for name in beside})


def _names(group: Figures) -> list[str]:
    return [name for name, _ in flat(group)]


def _beside(groups: Mapping[str, Figures]) -> str:
    columns = [dict(flat(group)) for group in groups.values()]
    lists = [name for name, value in columns[0].items() if _is_rows(value)]
    lines = [(name, *(column[name] for column in columns)) for name in columns[0] if name not in lists]
    parts = [_table(("figure", *groups), lines)] if lines else []
    for name in lists:
        parts += [f"{group}, {name}:\n\n{_rows(column[name])}" for group, column in zip(groups, columns, strict=True)]
    return "\n\n".join(parts)


def _matrix(groups: Figures) -> str:
    names = _names(next(iter(groups.values())))
    return _table(("", *names), [(name, *dict(flat(group)).values()) for name, group in groups.items()])


def _rows(rows: Sequence[Figures]) -> str:
    lines = [dict(flat(row)) for row in rows]
    return _table(tuple(lines[0]), [tuple(line.get(name) for name in lines[0]) for line in lines])


def _table(head: Sequence[str], lines: Any) -> str:
    written = [tuple(head), ("---",) * len(head), *(tuple(map(cell, line)) for line in lines)]
    return "\n".join(f"| {' | '.join(line)} |" for line in written)
