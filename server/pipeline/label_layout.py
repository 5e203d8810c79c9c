"""Where labels go: at their boxes, inside the picture, and not on each other."""

import numpy as np

from server.pipeline.canvas import Rect


class LabelLayout:
    """Places the labels of one picture, the most important one first; `width` and `height` are even."""

    def __init__(self, width: int, height: int) -> None:
        self._width = width
        self._height = height
        self._taken = np.zeros((0, 4), np.int64)

    def place(self, box: Rect, *, width: int, height: int, overlap: int) -> Rect:
        """Returns where a label of this size goes, which fits into the picture.

        Above its box, left sides aligned; inside at the top where there is no room; shifted left until it fits. Where a
        label placed before is in the way, below the box instead, or inside it. A label outside covers `overlap` (even) pixels
        of its box, so that both make one shape.
        """
        left = max(min(box.left, self._width - width), 0)
        inside_top, inside_bottom = box.top, box.bottom - height
        above, below = box.top + overlap - height, box.bottom - overlap
        above = above if above >= 0 else inside_top
        below = below if below + height <= self._height else inside_bottom
        spots = [self._rect(left, top, width=width, height=height) for top in (above, below, inside_top, inside_bottom)]
        chosen = next((spot for spot in spots if self._is_free(spot)), spots[1])
        self._taken = np.append(self._taken, [[chosen.left, chosen.top, chosen.right, chosen.bottom]], axis=0)
        return chosen

    def _rect(self, left: int, top: int, *, width: int, height: int) -> Rect:
        inside = max(min(top, self._height - height), 0)
        return Rect(left, inside, left + width, inside + height)

    def _is_free(self, spot: Rect) -> bool:
        left, top, right, bottom = self._taken.T
        return not ((left < spot.right) & (spot.left < right) & (top < spot.bottom) & (spot.top < bottom)).any()
