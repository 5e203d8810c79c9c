"""Negotiation: in which form a client wants the answer to a picture (RFC 9110, section 12.5.1)."""

from typing import Literal, get_args

Format = Literal["base64", "json", "jpeg", "png"]

MEDIA_TYPES: dict[Format, str] = {"base64": "text/plain", "json": "application/json", "jpeg": "image/jpeg", "png": "image/png"}


def negotiate(accept: str, *, default: Format) -> Format:
    """The form with the highest quality in an Accept header; among equals `default`, then the order of `Format`.

    A more specific range wins over a wildcard, as the RFC has it. Nothing acceptable gives the default, never a refusal:
    clients of the original service send whatever their library sends.
    """
    order: list[Format] = [default, *(form for form in get_args(Format) if form != default)]
    ranges = _parse(accept) if accept.strip() else {"*/*": 1.0}
    qualities = {form: _quality(MEDIA_TYPES[form], ranges) for form in order}
    best = max(order, key=lambda form: qualities[form])
    return best if qualities[best] > 0 else default


def _parse(accept: str) -> dict[str, float]:
    ranges: dict[str, float] = {}
    for item in accept.lower().split(","):
        media_range, *parameters = (part.strip() for part in item.split(";"))
        ranges[media_range] = max(ranges.get(media_range, 0.0), _weight(parameters))
    return ranges


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def _quality(media_type: str, ranges: dict[str, float]) -> float:
    family = media_type.partition("/")[0]
    for media_range in (media_type, f"{family}/*", "*/*"):
        if media_range in ranges:
            return ranges[media_range]
    return 0.0
