"""H.264 in offers of publishers: profiles and packet forms that aiortc does not know, told to it as one that it does.

aiortc compares profiles and knows two of them, although the decoder takes all and its depacketizer both forms of packets. So a
publisher that encodes in Main or High would be refused for no reason.
"""

import re
from collections.abc import Mapping

# Constrained Baseline in fragmented packets (RFC 6184, packetization-mode 1).
KNOWN = {"profile-level-id": "42e01f", "packetization-mode": "1"}
_KNOWN_PROFILE = re.compile(r"42[0-9a-f]{4}", re.IGNORECASE)

Formats = Mapping[str, str]
"""The format parameters that a client has offered, by payload type."""


def as_known(offer: str) -> tuple[str, Formats]:
    """The offer with its H.264 as aiortc knows it, and what stood there; unchanged where a video codec is known already.

    Only for video that comes in: what we send is Constrained Baseline.
    """
    section = _video_section(offer)
    payload_types = re.findall(r"^a=rtpmap:(\d+) H264/90000\s*$", section, re.MULTILINE | re.IGNORECASE)
    formats = {number: _format(section, number) for number in payload_types}
    if re.search(r"^a=rtpmap:\d+ VP8/", section, re.MULTILINE | re.IGNORECASE) or any(map(_is_known, formats.values())):
        return offer, {}
    replaced = section
    for number, text in formats.items():
        replaced = _with_format(replaced, number, _text({**_parameters(text), **KNOWN}))
    return offer.replace(section, replaced), formats


def in_offered_words(answer: str, formats: Formats) -> str:
    """The answer with the formats that the client has offered, as it has to name the same ones (RFC 6184, section 8.2.2)."""
    for number, text in formats.items():
        answer = _with_format(answer, number, text)
    return answer


def _video_section(offer: str) -> str:
    found = re.search(r"^m=video.*?(?=^m=|\Z)", offer, re.MULTILINE | re.DOTALL)
    return found.group() if found else ""


def _format(section: str, number: str) -> str:
    found = re.search(rf"^a=fmtp:{number} (.*?)\s*$", section, re.MULTILINE)
    return found.group(1) if found else ""


def _is_known(text: str) -> bool:
    # Without a profile it is Constrained Baseline, without a mode it is 0 (RFC 6184, section 8.1).
    parameters = _parameters(text)
    profile = parameters.get("profile-level-id", KNOWN["profile-level-id"])
    return parameters.get("packetization-mode") == "1" and _KNOWN_PROFILE.fullmatch(profile) is not None


def _parameters(text: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in text.split(";") if part.strip())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _text(parameters: dict[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in parameters.items())


def _with_format(text: str, number: str, parameters: str) -> str:
    """The text with these format parameters, none where they are empty, for one payload type."""
    without = re.sub(rf"^a=fmtp:{number} .*\n", "", text, flags=re.MULTILINE)
    if not parameters:
        return without
    return re.sub(rf"^(a=rtpmap:{number} .*\n)", rf"\g<1>a=fmtp:{number} {parameters}\r\n", without, flags=re.MULTILINE)
