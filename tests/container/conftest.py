"""The image, built once for all tests of it."""

import os

import pytest

from tests.container.engine import build_image, why_impossible


@pytest.fixture(scope="session")
def image(request: pytest.FixtureRequest) -> str:
    """The name of the built image."""
    if "CI" not in os.environ and "container" not in request.config.option.markexpr:
        pytest.skip("takes minutes: built in CI and when asked for by -m container")
    reason = why_impossible()
    if reason:
        pytest.skip(reason)
    return build_image()
