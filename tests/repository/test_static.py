"""The page's own rules: plain modules that resolve, nothing inline, nothing from elsewhere."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
MODULES = sorted((STATIC / "js").glob("*.js"))
SHEETS = sorted((STATIC / "css").glob("*.css"))
PAGES = sorted(STATIC.glob("*.html"))
TEXTS = [*MODULES, *SHEETS, *PAGES, STATIC / "icons.svg", STATIC / "manifest.webmanifest"]

IMPORT = re.compile(r'(?:from|import)\s*\(?"([^"]+)"')
# The names of XML vocabularies are addresses that nothing ever loads.
ADDRESS = re.compile(r"""["'(]\s*(?:https?:)?//(?!www\.w3\.org/)[\w.]""")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _without_comments(source: str) -> str:
    return re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_is_checked_and_short(path: Path) -> None:
    """Each module asks for type checks in its first line, has at most 400 lines, and none longer than 140 characters."""
    lines = path.read_text().splitlines()
    assert lines[0] == "// @ts-check"
    assert len(lines) <= 400
    assert max(map(len, lines)) <= 140
    assert path.stem not in {"utils", "util", "helpers", "common", "misc", "core", "base"}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_says_what_it_is(path: Path) -> None:
    """Each module begins with what it is for, or holds exactly one documented class."""
    source = path.read_text()
    assert re.search(r"^/\*\*|^// [A-Z]|^/\*\* ", source, re.MULTILINE)


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_imports_resolve(path: Path) -> None:
    """Each import names a module of this folder, with its extension, and what is imported is exported there."""
    source = path.read_text()
    for target in IMPORT.findall(source):
        assert target.startswith("./"), target
        assert (path.parent / target).is_file(), target
    for names, target in re.findall(r'^import \{([^}]+)\} from "([^"]+)"', source, re.MULTILINE):
        exported = (path.parent / target).read_text()
        for name in (part.split(" as ")[0].strip() for part in names.split(",") if part.strip()):
            assert re.search(rf"export (async )?(function\*?|class|const|let) {name}\b", exported), f"{target} has no {name}"


def test_every_module_is_used() -> None:
    """Each module is reached from a page."""
    reached: set[str] = set()
    waiting = [name for page in PAGES for name in re.findall(r'src="/static/js/([\w-]+\.js)"', page.read_text())]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [target.removeprefix("./") for target in IMPORT.findall((STATIC / "js" / name).read_text())]
    assert {path.name for path in MODULES} - reached == set()


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_data_never_becomes_markup(path: Path) -> None:
    """No innerHTML and its like, no eval, no global, and whatever asks the server is in api.js."""
    code = _without_comments(path.read_text())
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", code)
    assert not re.search(r"^\s*(window|globalThis)\.\w+\s*=[^=]", code, re.MULTILINE)
    assert "sendBeacon" not in code
    assert path.name == "api.js" or not re.search(r"\bfetch\(|\bEventSource\(|XMLHttpRequest", code)


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_nothing_is_inline(path: Path) -> None:
    """No script, style or handler stands in the HTML: the content security policy allows none."""
    html = path.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"<style|\sstyle=|\son\w+=", html)


@pytest.mark.parametrize("path", TEXTS, ids=_name)
def test_nothing_comes_from_elsewhere(path: Path) -> None:
    """No file names another host to load something from."""
    assert ADDRESS.findall(_without_comments(path.read_text())) == []


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_what_a_page_names_is_there(path: Path) -> None:
    """Each style sheet, script, icon and manifest of a page exists."""
    for target in re.findall(r'(?:href|src)="/static/([^"#]+)', path.read_text()):
        assert (STATIC / target).is_file(), target


def test_every_style_sheet_is_used() -> None:
    """Each style sheet is named by a page."""
    named = {name for page in PAGES for name in re.findall(r"/static/css/([\w-]+\.css)", page.read_text())}
    assert {path.name for path in SHEETS} == named


def test_every_icon_exists_and_is_used() -> None:
    """The sprite holds exactly the icons that the page uses."""
    drawn = {symbol.attrib["id"].removeprefix("i-") for symbol in ET.parse(STATIC / "icons.svg").getroot()}
    html = "".join(page.read_text() for page in PAGES)
    code = "".join(module.read_text() for module in MODULES)
    used = set(re.findall(r"icons\.svg#i-([\w-]+)", html))
    used |= set(re.findall(r'(?:\bicon|\btool)\(\s*"(\w+)"', code))
    used |= set(re.findall(r'\bicon: "(\w+)"', code))
    used |= set(re.findall(r'\["(?:system|light|dark)", "\w+", "(\w+)"\]', code))
    assert drawn == used


def test_every_token_that_is_used_is_set() -> None:
    """Each custom property has a value in a style sheet, or is set by a module."""
    css = "".join(sheet.read_text() for sheet in SHEETS)
    code = "".join(module.read_text() for module in MODULES)
    given = set(re.findall(r"(--[\w-]+)\s*:", css)) | set(re.findall(r'"(--[\w-]+)"', code))
    assert set(re.findall(r"var\((--[\w-]+)", css + code)) - given == set()


@pytest.mark.parametrize("module", ["states.js", "camera-states.js"])
def test_every_action_of_a_state_exists(module: str) -> None:
    """A state's buttons are in the table of actions, and each action is offered by a state."""
    source = (STATIC / "js" / module).read_text()
    actions = set(re.findall(r"^  (\w+): (?:\{ label:|ACTIONS\.)", source, re.MULTILINE))
    offered = {name for names in re.findall(r"actions: \[([^\]]+)\]", source) for name in re.findall(r'"(\w+)"', names)}
    assert offered == actions


def test_the_manifest_names_what_is_there() -> None:
    """Its icons exist in the sizes that it says."""
    manifest = json.loads((STATIC / "manifest.webmanifest").read_text())
    for icon in manifest["icons"]:
        file = STATIC / icon["src"].removeprefix("/static/")
        assert file.is_file()
        if icon["type"] == "image/png":
            header = file.read_bytes()[:24]
            width, height = (int.from_bytes(header[start : start + 4], "big") for start in (16, 20))
            assert icon["sizes"] == f"{width}x{height}"


def test_the_sample_clip_is_small() -> None:
    """The clip is a WebM of less than 400 kB."""
    clip = (STATIC / "sample.webm").read_bytes()
    assert clip.startswith(b"\x1a\x45\xdf\xa3")
    assert len(clip) < 400_000
