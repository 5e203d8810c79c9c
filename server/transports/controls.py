"""The controls of one viewer: applied at once, and refused where they cannot be meant or come as a flood."""

import time
from collections.abc import Callable

from server.domain.allowance import Allowance
from server.domain.errors import InvalidRequest
from server.domain.model import ModelInfo
from server.pipeline.stream import Stream
from server.transports.messages import apply_control, decode_control

# A viewer that drags a slider sends some twenty a second.
CONTROLS_PER_S = 50.0


class ControlIntake:
    """Takes the controls of one viewer for one stream; where there is a `refusal`, it takes none and answers that."""

    def __init__(
        self,
        stream: Stream,
        *,
        model: ModelInfo,
        refusal: str | None = None,
        most_per_s: float = CONTROLS_PER_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._refusal = refusal
        self._model = model
        self._allowance = Allowance(rate_per_s=most_per_s, clock=clock)
        self._most_per_s = most_per_s
        self._flooded = False

    def take(self, text: str | bytes) -> str | None:
        """Applies a control; returns why it was not taken, None where there is nothing to say. A flood is told of once."""
        if not self._allowance.take():
            first, self._flooded = not self._flooded, True
            sentence = f"too many controls: at most {self._most_per_s:g} a second are taken (live.max_controls_per_s)"
            return sentence if first else None
        self._flooded = self._flooded and not self._allowance.is_half_full
        if self._refusal is not None:
            return self._refusal
        try:
            self._stream.configure(apply_control(self._stream.options, decode_control(text), model=self._model))
        except InvalidRequest as exc:
            return str(exc)
        return None
