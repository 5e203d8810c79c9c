"""Steadiness: whether a series that jumps about grows in the long run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Trend:
    """How a series went; `growth` is what the robust slope makes of the whole time, in the unit of the series."""

    median: float
    growth: float
    first_third: float
    last_third: float
    flat: bool

    def figures(self) -> dict[str, float | bool]:
        """For a result file."""
        numbers = {name: round(getattr(self, name), 2) for name in ("median", "growth", "first_third", "last_third")}
        return {**numbers, "flat": self.flat}


def trend(times_s: Sequence[float], values: Sequence[float], *, share: float, least: float) -> Trend:
    """The trend of `values` over `times_s` by the Theil-Sen estimator: the median of the slopes between all pairs.

    It is flat where the growth stays below `share` of the median, or below `least`. A quarter of the values may be anything
    (Sen 1968) and the slope is still that of the others.
    """
    at, series = np.asarray(times_s, float), np.asarray(values, float)
    first, second = np.triu_indices(len(at), 1)
    apart = at[second] - at[first]
    slope = float(np.median((series[second] - series[first])[apart > 0] / apart[apart > 0])) if len(at) > 1 else 0.0
    median = float(np.median(series))
    growth = slope * float(at[-1] - at[0])
    third = max(1, len(series) // 3)
    return Trend(
        median=median,
        growth=growth,
        first_third=float(np.median(series[:third])),
        last_third=float(np.median(series[-third:])),
        flat=growth <= max(share * median, least),
    )
