"""Which detection belongs to which tracked object.

A pair is possible where the classes agree and the boxes overlap, or where the centre lies within the object's gate and
the sizes are alike: a firearm of 15 pixels moves more than its own size between two frames, and overlap alone would lose
it. Of all ways to pair them, the best as a whole is taken, after Jonker and Volgenant, "A shortest augmenting path algorithm
for dense and sparse linear assignment problems" (Computing 38, 1987), on the possible pairs only: they are few, so that
this stays far below a dense solution's n^3.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from server.pipeline.motion import FloatArray, to_centre

# Costs lie in 0..2; leaving an object without a detection costs more than any pair, so that as many as can be are paired.
_UNPAIRED_COST = 4.0
_MOST_DIFFERENT_SIZE = 2.0
_TINY = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Boxes to pair: xyxy `(n, 4)` and class ids `(n,)`."""

    xyxy: FloatArray
    class_id: npt.NDArray[np.int32]


Pairs = list[tuple[int, int]]


def associate(objects: Boxes, detections: Boxes, *, gates_px: FloatArray, min_iou: float) -> Pairs:
    """Returns the pairs (row of `objects`, row of `detections`) that fit best; each row is in one pair at most.

    `gates_px` `(n,)` is how far from its expected centre each object may be seen without overlapping by `min_iou`.
    """
    if not len(objects.xyxy) or not len(detections.xyxy):
        return []
    iou = iou_matrix(objects.xyxy, detections.xyxy)
    distance2 = _squared_distances(objects.xyxy, detections.xyxy)
    near = (distance2 <= gates_px[:, None] ** 2) & _alike_in_size(objects.xyxy, detections.xyxy)
    possible = (objects.class_id[:, None] == detections.class_id) & ((iou >= min_iou) | near)
    rows, columns = np.nonzero(possible)
    cost = (
        1.0 - iou[rows, columns] + distance2[rows, columns] / _squared_diagonals(objects.xyxy[rows], detections.xyxy[columns])
    )
    edges: list[list[tuple[int, float]]] = [[] for _ in range(len(objects.xyxy))]
    for row, column, price in zip(rows.tolist(), columns.tolist(), cost.tolist(), strict=True):
        edges[row].append((column, price))
    return assign(edges, columns=len(detections.xyxy))


def iou_matrix(first: FloatArray, second: FloatArray) -> FloatArray:
    """Intersection over union of every box of `first` `(n, 4)` with every one of `second` `(m, 4)`, `(n, m)`."""
    shared = _overlap_1d(first[:, 0::2], second[:, 0::2])
    shared *= _overlap_1d(first[:, 1::2], second[:, 1::2])
    union = np.maximum(_areas(first)[:, None] + _areas(second) - shared, _TINY)
    iou: FloatArray = shared / union
    return iou


def assign(edges: Sequence[Sequence[tuple[int, float]]], *, columns: int) -> Pairs:
    """Returns the cheapest pairing; `edges[row]` lists the possible (column, cost >= 0) of a row, of `columns` columns.

    A row may stay unpaired at a fixed cost: it then holds a column of its own behind the real ones.
    """
    owner: dict[int, int] = {}
    column_of = [-1] * len(edges)
    row_dual, column_dual = [0.0] * len(edges), [0.0] * (columns + len(edges))
    with_own = [[*choices, (columns + row, _UNPAIRED_COST)] for row, choices in enumerate(edges)]
    for start in range(len(edges)):
        if edges[start]:
            end, came_from = _cheapest_path(start, with_own, owner=owner, row_dual=row_dual, column_dual=column_dual)
            _pair_along(end, came_from, owner=owner, column_of=column_of)
    return [(row, column) for row, column in enumerate(column_of) if 0 <= column < columns]


def _cheapest_path(
    start: int,
    edges: Sequence[Sequence[tuple[int, float]]],
    *,
    owner: dict[int, int],
    row_dual: list[float],
    column_dual: list[float],
) -> tuple[int, dict[int, int]]:
    """Finds the nearest free column from row `start` over alternating paths (Dijkstra on reduced costs) and updates the duals.

    Returns that column, and for each column that was reached the row that it was reached from.
    """
    best: dict[int, float] = {}
    came_from: dict[int, int] = {}
    settled: dict[int, float] = {}
    queue: list[tuple[float, int]] = []
    row, travelled = start, 0.0
    while True:
        for column, cost in edges[row]:
            length = travelled + cost - row_dual[row] - column_dual[column]
            if column not in settled and length < best.get(column, np.inf):
                best[column], came_from[column] = length, row
                heapq.heappush(queue, (length, column))
        travelled, column = heapq.heappop(queue)
        while column in settled:
            travelled, column = heapq.heappop(queue)
        if column not in owner:
            break
        settled[column] = travelled
        row = owner[column]
    row_dual[start] += travelled
    for reached, length in settled.items():
        column_dual[reached] -= travelled - length
        row_dual[owner[reached]] += travelled - length
    return column, came_from


def _pair_along(end: int, came_from: dict[int, int], *, owner: dict[int, int], column_of: list[int]) -> None:
    """Gives each row of the path that ends in column `end` its new column."""
    column = end
    while column >= 0:
        row = came_from[column]
        owner[column] = row
        column_of[row], column = column, column_of[row]


def _overlap_1d(first: FloatArray, second: FloatArray) -> FloatArray:
    """The length that each interval of `first` `(n, 2)` shares with each one of `second` `(m, 2)`, `(n, m)`."""
    length = np.minimum(first[:, 1, None], second[:, 1]) - np.maximum(first[:, 0, None], second[:, 0])
    shared: FloatArray = np.maximum(length, 0.0)
    return shared


def _areas(xyxy: FloatArray) -> FloatArray:
    sides = np.maximum(xyxy[:, 2:] - xyxy[:, :2], 0.0)
    areas: FloatArray = sides[:, 0] * sides[:, 1]
    return areas


def _squared_distances(first: FloatArray, second: FloatArray) -> FloatArray:
    """From each centre of `first` `(n, 4)` to each one of `second` `(m, 4)`, in square pixels `(n, m)`."""
    centres, others = to_centre(first)[:, :2], to_centre(second)[:, :2]
    squared: FloatArray = (centres[:, 0, None] - others[:, 0]) ** 2 + (centres[:, 1, None] - others[:, 1]) ** 2
    return squared


def _alike_in_size(first: FloatArray, second: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether the boxes of each pair are as large as each other, within a factor, `(n, m)`; below a pixel all are alike."""
    side, other = np.sqrt(np.maximum(_areas(first), 1.0))[:, None], np.sqrt(np.maximum(_areas(second), 1.0))
    return (side <= _MOST_DIFFERENT_SIZE * other) & (other <= _MOST_DIFFERENT_SIZE * side)


def _squared_diagonals(first: FloatArray, second: FloatArray) -> FloatArray:
    """Of the box around each row of both `(n, 4)`: squared distance over it is the penalty of distance-IoU (Zheng et al. 2020),
    which puts pairs that do not overlap in order."""
    around = np.maximum(first[:, 2:], second[:, 2:]) - np.minimum(first[:, :2], second[:, :2])
    diagonals2: FloatArray = np.maximum((around**2).sum(axis=1), _TINY)
    return diagonals2
