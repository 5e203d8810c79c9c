"""A path leads to a detector, or to one line that says what is wrong with it."""

import errno
import importlib.util
from pathlib import Path

import pytest

from server.domain.errors import ModelError
from server.inference.loader import load_detector
from tests.inference.tiny_models import make_onnx, make_openvino


def test_a_path_where_nothing_is_says_what_can_be_given(tmp_path: Path) -> None:
    """The line names the path and the forms that are taken."""
    with pytest.raises(ModelError, match=r"nowhere: there is no such model; give a folder with model\.toml, .*\.onnx or \.pt"):
        load_detector(tmp_path / "nowhere")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    """An empty folder is no model."""
    with pytest.raises(ModelError, match=r"0 \.xml files and no model\.toml"):
        load_detector(tmp_path)


def test_a_folder_with_two_models_is_refused(tmp_path: Path) -> None:
    """Nobody guesses which one is meant."""
    folder = make_openvino(tmp_path / "model")
    (folder / "other.xml").write_text("")

    with pytest.raises(ModelError, match=r"2 \.xml files"):
        load_detector(folder)


@pytest.mark.parametrize("name", ["best.engine", "best", "photo.jpg"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, name: str) -> None:
    """The ending decides, and the forms that are taken are named."""
    (tmp_path / name).write_bytes(b"x")

    with pytest.raises(ModelError, match="is not a model that is served"):
        load_detector(tmp_path / name)


@pytest.mark.skipif(importlib.util.find_spec("ultralytics") is not None, reason="the ultralytics extra is installed")
def test_weights_without_the_extra_say_what_to_type(tmp_path: Path) -> None:
    """Nobody who has a .pt file is left alone."""
    (tmp_path / "best.pt").write_bytes(b"x")

    with pytest.raises(ModelError, match=r"make run MODEL=.*best\.pt.*make extra"):
        load_detector(tmp_path / "best.pt")


def test_openvino_refuses_weights(tmp_path: Path) -> None:
    """The way to an export is named."""
    (tmp_path / "best.pt").write_bytes(b"x")

    with pytest.raises(ModelError, match=r"export it first: sightline export .*best\.pt"):
        load_detector(tmp_path / "best.pt", backend="openvino")


def test_ultralytics_refuses_an_export(tmp_path: Path) -> None:
    """The other backend is named."""
    with pytest.raises(ModelError, match="use --backend openvino"):
        load_detector(make_onnx(tmp_path / "best.onnx"), backend="ultralytics")


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    """What the system says of the path is told, in one line."""
    with pytest.raises(ModelError, match=r"no such model|cannot be looked up"):
        load_detector(tmp_path / ("x" * 300))


def test_an_unreadable_place_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the system refuses while the path is looked up becomes one line."""

    def refuse(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", refuse)
    with pytest.raises(ModelError, match=r"best\.onnx: cannot be looked up: Permission denied"):
        load_detector(tmp_path / "best.onnx")


def test_the_ending_may_be_in_capitals(tmp_path: Path) -> None:
    """A file that came from a camera's card or a Windows share is the same model."""
    assert load_detector(make_onnx(tmp_path / "BEST.ONNX")).info.labels == ("firearm", "person")


def test_a_yaml_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """The file with the class names is named."""
    folder = make_openvino(tmp_path / "model")
    (folder / "metadata.yaml").write_bytes(b"names:\n  0: caf\xe9\n")

    with pytest.raises(ModelError, match=r"metadata\.yaml cannot be read"):
        load_detector(folder)
