"""File names: what people call their files, for lists, log lines and headers; on the disk files have names of ours."""

from urllib.parse import quote

MOST_LETTERS = 200
# Beside letters and digits these are safe on every system and within quotes.
_PLAIN = frozenset(" ._-()")


def clean_name(given: str, *, otherwise: str) -> str:
    """The last part of a path without control characters, 200 characters at most; `otherwise` where nothing is left.

    What turns the direction of writing is left out, too: it would show `fdp.exe` for what ends in `exe.pdf`.
    """
    last = given.replace("\\", "/").rpartition("/")[2]
    printable = "".join(letter for letter in last if letter.isprintable()).strip()
    return printable[:MOST_LETTERS].strip() or otherwise


def disposition(name: str, *, attachment: bool) -> str:
    """The Content-Disposition of a file: what a browser does with it, and its name in ASCII and as it is (RFC 6266)."""
    name = clean_name(name, otherwise="file")
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in _PLAIN) else "_" for letter in name)
    as_it_is = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'{"attachment" if attachment else "inline"}; filename="{plain}"{as_it_is}'
