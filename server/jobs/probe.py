"""Probing an upload: a child process reads its headers and says what it is, before a frame is decoded."""

import logging
from pathlib import Path

import msgspec

from server.domain.errors import InvalidRequest, TooLarge, Unprocessable, UnsupportedFormat
from server.jobs.messages import Limits, Probed, ProbeOrder, Refused
from server.jobs.process import Broken, check_process, describe_end
from server.media.video_file import TOO_LARGE

logger = logging.getLogger(__name__)

# Headers take milliseconds, and the times of all packets of a long film seconds.
PROBE_S = 60.0
_ERRORS: dict[str, type[InvalidRequest]] = {"unsupported": UnsupportedFormat, "too_large": TooLarge}


async def probe_upload(source: Path, *, name: str, limits: Limits) -> Probed:
    """What the file says of itself.

    Raises UnsupportedFormat for what is no video, and Unprocessable for one without a picture, a damaged one, and one that
    crashes or holds up whoever reads it.
    """
    order = ProbeOrder(str(source), name, msgspec.structs.replace(limits, cpu_s=int(PROBE_S)))
    async with check_process(order) as process:
        try:
            async for report in process.reports(stall_s=PROBE_S):
                if isinstance(report, Probed):
                    return report
                if isinstance(report, Refused):
                    raise _ERRORS.get(report.kind, Unprocessable)(report.reason)
        except (TimeoutError, Broken) as exc:
            raise Unprocessable("The file is damaged: reading what it is took too long.") from exc
        how = describe_end(await process.wait())
        logger.warning("an upload cannot be read: %s | %s", how, process.last_words)
        raise Unprocessable("The file is damaged: reading what it is crashed.")


def check_limits(probed: Probed, *, max_duration_s: float, max_pixels: int) -> None:
    """Raises TooLarge for a video that is longer or larger than the limit."""
    if probed.width_px * probed.height_px > max_pixels:
        raise TooLarge(TOO_LARGE.format(width=probed.width_px, height=probed.height_px, limit=max_pixels))
    if probed.duration_s is not None and probed.duration_s > max_duration_s:
        raise TooLarge(
            f"It is {_duration(probed.duration_s)} long, the limit is {_duration(max_duration_s)} (videos.max_duration_s)."
        )


def _duration(seconds: float) -> str:
    """For a person: "4 h", "2 h 5 min", "12 min", "45 s"."""
    minutes, hours = round(seconds / 60), round(seconds / 60) // 60
    if seconds < 60:
        return f"{seconds:.0f} s"
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
