"""Picture list: what was right and wrong in each picture, to look at the worst ones and to mine hard negatives."""

from pathlib import Path

import numpy as np

from server.training.evaluate import EvaluatedSize
from server.training.table_file import write_table

COLUMNS = ("file", "source", "objects", "found", "false_alarms", "surest_false_alarm")


def write_picture_list(evaluated: EvaluatedSize, path: Path, *, confidence: float) -> None:
    """Writes a CSV, the pictures with the surest false alarms first; `found` and `false_alarms` are at `confidence`. Blocks."""
    matches = evaluated.matches
    shown, wrong = matches.confidence >= np.float32(confidence), matches.box < 0
    rows = []
    for number, one in enumerate(evaluated.checked):
        mine = matches.picture == number
        surest = matches.confidence[mine & wrong].max(initial=0.0)
        found, alarms = int((mine & shown & ~wrong).sum()), int((mine & shown & wrong).sum())
        rows.append((one.picture.path.name, one.picture.source, len(one.picture.boxes), found, alarms, round(float(surest), 4)))
    write_table(path, [COLUMNS, *sorted(rows, key=lambda row: -row[-1])])
