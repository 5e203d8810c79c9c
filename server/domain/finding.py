"""Findings: what the doctor says about one thing, and what to do about it."""

from dataclasses import dataclass
from typing import Literal

Sign = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    `check` names it for programs. `sign` is `ok`, `warn` (it works, with a limit that somebody should know) or `bad` (it does
    not work). `text` is one sentence, `advice` what to do; it is empty where nothing is to be done.
    """

    check: str
    sign: Sign
    text: str
    advice: str = ""
