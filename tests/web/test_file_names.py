"""Names that people, and attackers, give to files."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.web.file_names import MOST_LETTERS, clean_name, disposition
from server.web.static_files import content_type

HEADER = re.compile(r"""(?:inline|attachment); filename="([A-Za-z0-9 ._()-]+)"(?:; filename\*=UTF-8''([A-Za-z0-9%._~-]+))?""")
LETTERS = st.text(st.characters(exclude_categories=()))  # halves of surrogate pairs, too


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("gate.mp4", "gate.mp4"),
        ("../../etc/passwd", "passwd"),
        ("C:\\clips\\gate.avi", "gate.avi"),
        ("/", "video"),
        ("..\\", "video"),
        ("a\r\nX-Evil: 1.mp4", "aX-Evil: 1.mp4"),
        ("a\0b.mp4", "ab.mp4"),
        ("gate\u202e4pm.exe", "gate4pm.exe"),
        ("<script>alert(1)</script>.mp4", "script>.mp4"),
        ("Tür.mp4", "Tür.mp4"),
        ("\ud800.mp4", ".mp4"),
        ("x" * 300, "x" * MOST_LETTERS),
        ("   ", "video"),
    ],
)
def test_the_last_part_without_what_cannot_be_seen(given_name: str, name: str) -> None:
    """No path, no control character, no change of direction, and not too long."""
    assert clean_name(given_name, otherwise="video") == name


@given(LETTERS)
@example("\r\nSet-Cookie: a=b")
@example('"; filename="evil.exe')
def test_no_name_breaks_out_of_the_header(given_name: str) -> None:
    """The header is one line of ASCII with two names at most, neither of which is a path; browsers get the name as it is."""
    found = HEADER.fullmatch(disposition(given_name, attachment=True))
    assert found is not None
    as_it_is = unquote(found[2]) if found[2] else found[1]
    assert as_it_is == clean_name(given_name, otherwise="file")
    assert not set(as_it_is) & set("/\\\r\n\0")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.JS", "text/javascript"),
        ("a.webm", "video/webm"),
        ("a.php", "application/octet-stream"),
        ("a", "application/octet-stream"),
    ],
)
def test_types_are_those_of_a_list_of_ours(name: str, kind: str) -> None:
    """The system's own table differs from machine to machine; what is not listed is bytes."""
    assert content_type(Path(name)) == kind
