"""Detectors that several tests compare with Ultralytics."""

import importlib.util
from collections.abc import Callable
from functools import cache
from pathlib import Path

import openvino
import pytest

from server.domain.protocols import Detector
from server.inference.compute import Compute, Precision
from server.inference.loader import load_detector
from server.training.export import export_model
from tests.golden.cases import MODELS

LoadModel = Callable[[str, Precision], Detector]


@pytest.fixture(scope="session")
def load_model(
    delivered_model_dir: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> LoadModel:
    """Loads a model of the golden cases by name; skips where its weights, the extra or the precision are missing."""

    @cache
    def folder_of(name: str) -> Path:
        if name == "firearm":
            return delivered_model_dir
        if importlib.util.find_spec("ultralytics") is None:
            pytest.skip("the ultralytics extra, which exports these weights, is not installed")
        request.getfixturevalue("shared_dir")
        return export_model(MODELS[name].weights, out=tmp_path_factory.mktemp("export") / name)

    @cache
    def load(name: str, precision: Precision) -> Detector:
        if precision == "bf16" and "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            pytest.skip("this processor has no bf16")
        return load_detector(folder_of(name), compute=Compute(precision), imgsz=MODELS[name].imgsz)

    return load
