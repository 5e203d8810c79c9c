"""The image, built once for all tests of it."""

import os

import pytest

from tests.container.engine import build_image, skip_unless_possible


@pytest.fixture(scope="session")
def image(request: pytest.FixtureRequest) -> str:
    """The name of the built image."""
    if "CI" not in os.environ and "container" not in request.config.option.markexpr:
        pytest.skip("takes minutes: built in CI and when asked for by -m container")
    skip_unless_possible()
    return build_image()
