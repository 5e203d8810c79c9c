"""Table files: rows as CSV, whole or not at all."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from server.media.whole_file import whole_file


def write_table(path: Path, rows: Iterable[Iterable[object]]) -> None:
    """Writes the rows, the first one being the column names. Blocks; raises OSError."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    with whole_file(path) as file:
        file.write(text.getvalue().encode())
