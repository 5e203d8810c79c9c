"""Compute: how an engine is to compute."""

from dataclasses import dataclass
from typing import Literal

Precision = Literal["auto", "f32", "bf16", "int8"]


@dataclass(frozen=True, slots=True)
class Compute:
    """What the engine computes in, and with how much of the machine; all but `threads` is OpenVINO's only.

    `precision` auto takes a model's INT8 form where it has one and the processor multiplies 8-bit integers, else bf16 where the
    processor is quick at it, else f32. `threads` 0 takes every processor of this process.
    `streams` is how many frames are computed side by side, on a share of the threads each: more frames a second than one after
    the other, each of them later. `at_once` is the same for frames that are asked for while others are under way: one alone
    still gets all threads. On two cores a frame at 640 takes 26 ms alone, and two of them give 44 a second instead of 33.
    `frame` is the width and height that all frames will have, where they are known: an input of just that size takes 6 % less
    of the processor than one of any size.
    """

    precision: Precision = "auto"
    threads: int = 0
    streams: int = 1
    at_once: int = 1
    frame: tuple[int, int] | None = None
