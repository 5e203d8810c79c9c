"""Recipes: which value wins, and what is refused."""

from pathlib import Path

import pytest

from server.domain.errors import InvalidRequest
from server.training.recipe import DEFAULT, read_recipe


def test_a_file_wins_over_the_default_and_a_wish_over_both(tmp_path: Path) -> None:
    """Numbers, words and switches keep their kind."""
    file = tmp_path / "recipe.toml"
    file.write_text('lr0 = 0.01\nmosaic = 0.5\noptimizer = "SGD"\n')
    recipe = read_recipe(file, changes=["mosaic=1", "cache=ram", "cos_lr=false"])
    assert recipe == {**DEFAULT, "lr0": 0.01, "mosaic": 1, "optimizer": "SGD", "cache": "ram", "cos_lr": False}
    assert read_recipe(None) == DEFAULT


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("mosaic", "is not key=value"),
        ("=1", "is not key=value"),
        ("epochs=3", "use --epochs"),
        ("project=elsewhere", "use --out"),
        ("amp=true", "use --float32"),
        ("mode=predict", "mode cannot be set"),
        ("classes=[0]", "classes must be a number"),
    ],
)
def test_what_a_recipe_may_not_hold_is_refused(change: str, named: str) -> None:
    """Flags of the command are not set behind its back."""
    with pytest.raises(InvalidRequest, match=named):
        read_recipe(None, changes=[change])


@pytest.mark.parametrize("text", ["lr0 = ", "epochs = 3", "[table]\nlr0 = 1"])
def test_a_file_that_cannot_be_meant_is_refused(text: str, tmp_path: Path) -> None:
    """The message names the file."""
    (tmp_path / "recipe.toml").write_text(text)
    with pytest.raises(InvalidRequest, match=r"recipe\.toml"):
        read_recipe(tmp_path / "recipe.toml")
