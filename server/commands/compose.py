"""`sightline compose`: makes a larger training set, for objects and confusions that one shows too rarely."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from server.commands.exit_codes import OK
from server.commands.progress import Progress
from server.domain.errors import InvalidRequest
from server.inference.processors import available_processors
from server.training.compose import DEFAULT_COUNTS, Composed, ComposeOrder, compose


def run(arguments: argparse.Namespace) -> int:
    """Composes and says what came of it; raises InvalidRequest."""
    counts = {**DEFAULT_COUNTS, **dict(_count(text) for text in arguments.count)}
    order = ComposeOrder(
        data=Path(arguments.data),
        out=Path(arguments.out),
        backgrounds=_paths(arguments.backgrounds),
        cutouts=_path(arguments.cutouts),
        mined=_path(arguments.mined),
        people=_path(arguments.people),
        counts=counts,
        longest_px=arguments.imgsz,
        seed=arguments.seed,
    )
    progress = Progress(sum(counts.values()), stream=sys.stderr)
    try:
        composed = compose(order, workers=available_processors(), on_written=progress.advance)
    finally:
        progress.close()
    print(_summary(composed, wanted=counts))  # noqa: T201 - the answer to the person at the terminal
    return OK


def _count(text: str) -> tuple[str, int]:
    kind, _, number = text.partition("=")
    if not number.isdecimal():
        raise InvalidRequest(f"--count {text}: expected a kind and a number, as in tiles=200")
    return kind, int(number)


def _path(text: str | None) -> Path | None:
    return None if text is None else _paths([text])[0]


def _paths(texts: Sequence[str]) -> tuple[Path, ...]:
    for text in texts:
        if not Path(text).exists():
            raise InvalidRequest(f"{text}: is not there")
    return tuple(Path(text) for text in texts)


def _summary(composed: Composed, *, wanted: dict[str, int]) -> str:
    """How many of each kind there are, and what to do with them."""
    lines = [f"{kind:<16} {made}" + _shortfall(made, wanted[kind]) for kind, made in composed.counts.items()]
    lines.append(f"pasted from {composed.cutouts_of_objects} cut-out objects and {composed.cutouts_of_others} other things")
    lines.append(f"{composed.data} names the material and the composites: sightline train --data {composed.data}")
    return "\n".join(lines)


def _shortfall(made: int, wanted: int) -> str:
    """Why there are fewer than asked for."""
    return "" if made == wanted else f" of {wanted}: the material gives no more (docs/training.md says what each kind needs)"
