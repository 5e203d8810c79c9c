"""How tracked boxes move: a Kalman filter in real time, for all boxes of a stream at once.

Each coordinate of a box (centre x, centre y, width, height) is filtered for itself: a position that follows its velocity,
and a velocity that fades. The noise is that of white acceleration over the time that really passed, so that 5 and 60 frames
a second give the same track. Width and height have no velocity: a size that is extrapolated swells or vanishes within
tenths of a second.
"""

import math

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

# A hand or a person does not keep its velocity for long: what is not seen comes to rest after about this time.
_VELOCITY_FADES_S = 0.5
_GATE_SIGMAS = 3.0
_SMALLEST_SIDE_PX = 1.0


class Motion:
    """The expected boxes of n objects; rows keep their order, `append` adds at the end and `keep` removes."""

    def __init__(self) -> None:
        self._state = np.zeros((0, 4))
        self._velocity = np.zeros((0, 4))
        # The covariance of position and velocity of one coordinate: [[pp, pv], [pv, vv]].
        self._pp = np.zeros((0, 4))
        self._pv = np.zeros((0, 4))
        self._vv = np.zeros((0, 4))

    def __len__(self) -> int:
        return len(self._state)

    def append(self, xyxy: FloatArray) -> None:
        """Adds objects seen for the first time, boxes `(k, 4)`."""
        state = to_centre(xyxy)
        side = _side(state)
        self._state = np.concatenate((self._state, state))
        self._velocity = np.concatenate((self._velocity, np.zeros_like(state)))
        self._pp = np.concatenate((self._pp, _measurement_variance(side)))
        self._pv = np.concatenate((self._pv, np.zeros_like(state)))
        self._vv = np.concatenate((self._vv, _moving((4.0 * side + 250.0) ** 2)))

    def advance(self, elapsed_s: float) -> None:
        """Moves every object to where it is expected after `elapsed_s`."""
        if elapsed_s <= 0:
            return
        fade = math.exp(-elapsed_s / _VELOCITY_FADES_S)
        reach_s = _VELOCITY_FADES_S * (1.0 - fade)
        side = _side(self._state)
        jerkiness = _moving(0.05 * (30.0 * side + 1500.0) ** 2)
        self._state[:, :2] += reach_s * self._velocity[:, :2]
        self._pp += 2 * reach_s * self._pv + reach_s**2 * self._vv + jerkiness * elapsed_s**3 / 3
        self._pp += (0.15 * side) ** 2 * elapsed_s
        self._pv = fade * (self._pv + reach_s * self._vv) + jerkiness * elapsed_s**2 / 2
        self._vv = fade**2 * self._vv + jerkiness * elapsed_s
        self._velocity *= fade

    def correct(self, rows: npt.NDArray[np.intp], xyxy: FloatArray) -> None:
        """Takes what was seen of the objects `rows`, boxes `(len(rows), 4)`."""
        measured = to_centre(xyxy)
        pp, pv = self._pp[rows], self._pv[rows]
        total = pp + _measurement_variance(_side(measured))
        gain, velocity_gain = pp / total, pv / total
        surprise = measured - self._state[rows]
        self._state[rows] += gain * surprise
        self._velocity[rows] += velocity_gain * surprise
        self._pp[rows] = (1 - gain) * pp
        self._pv[rows] = (1 - gain) * pv
        self._vv[rows] -= velocity_gain * pv

    def rescale(self, x: float, y: float) -> None:
        """Takes over into frames that are `x` times as wide and `y` times as high."""
        factors = np.array([x, y, x, y])
        self._state *= factors
        self._velocity *= factors
        self._pp *= factors**2
        self._pv *= factors**2
        self._vv *= factors**2

    def keep(self, which: npt.NDArray[np.bool_]) -> None:
        """Forgets every object that the mask `(n,)` does not name."""
        self._state, self._velocity = self._state[which], self._velocity[which]
        self._pp, self._pv, self._vv = self._pp[which], self._pv[which], self._vv[which]

    def boxes(self) -> FloatArray:
        """The expected boxes, xyxy `(n, 4)`."""
        half = np.maximum(self._state[:, 2:], _SMALLEST_SIDE_PX) / 2
        return np.concatenate((self._state[:, :2] - half, self._state[:, :2] + half), axis=1)

    def gates_px(self) -> FloatArray:
        """How far from its expected centre each object can reasonably be seen, in pixels `(n,)`.

        Three standard deviations, so that an object whose velocity is not known yet may jump farther than its own size;
        bounded, so that one long unseen does not take over whatever appears.
        """
        side = _side(self._state)[:, 0]
        spread = np.sqrt(self._pp[:, 0] + _measurement_variance(side[:, None])[:, 0])
        reach: FloatArray = np.minimum(_GATE_SIGMAS * spread, side + 60.0)
        return reach


def to_centre(xyxy: FloatArray) -> FloatArray:
    """Boxes `(n, 4)` as centre x, centre y, width, height."""
    return np.concatenate(((xyxy[:, :2] + xyxy[:, 2:]) / 2, xyxy[:, 2:] - xyxy[:, :2]), axis=1)


def _side(state: FloatArray) -> FloatArray:
    """The side of a square as large as each box, `(n, 1)`: what all noise is measured in."""
    sides = np.maximum(state[:, 2:], _SMALLEST_SIDE_PX)
    side: FloatArray = np.sqrt(sides[:, :1] * sides[:, 1:])
    return side


def _measurement_variance(side: FloatArray) -> FloatArray:
    """How far a detector's coordinates scatter: a pixel and a twentieth of the size."""
    return np.broadcast_to((1.0 + 0.05 * side) ** 2, (len(side), 4)).copy()


def _moving(variance: FloatArray) -> FloatArray:
    """A variance `(n, 1)` for the two coordinates that have a velocity."""
    moving: FloatArray = variance * np.array([1.0, 1.0, 0.0, 0.0])
    return moving
