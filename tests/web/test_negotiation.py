"""Tests of choosing the form of an answer."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.web.negotiation import Format, negotiate


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "base64"),
        ("*/*", "base64"),
        ("text/plain", "base64"),
        ("text/*", "base64"),
        ("application/json", "json"),
        ("application/*", "json"),
        ("image/jpeg", "jpeg"),
        ("image/png", "png"),
        ("image/*", "jpeg"),
        ("IMAGE/PNG", "png"),
        ("image/png, image/jpeg", "jpeg"),
        ("image/png;q=0.9, image/jpeg;q=0.8", "png"),
        ("image/jpeg;q=0.5, image/*", "png"),
        ("text/plain;q=0.2, application/json;q=0.3", "json"),
        ("application/json, text/plain, */*", "base64"),
        ("text/plain;q=0, */*", "json"),
        ("application/json; charset=utf-8", "json"),
        ("image/png;q=nonsense, application/json;q=0.1", "json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "base64"),
        ("text/html", "base64"),
        ("image/avif", "base64"),
        (",,;q=1,", "base64"),
    ],
)
def test_takes_the_highest_quality(accept: str, form: Format) -> None:
    """The highest quality wins, ties in a fixed order, and nothing acceptable gives text."""
    assert negotiate(accept, default="base64") == form


@pytest.mark.parametrize(
    ("accept", "form"), [("", "json"), ("*/*", "json"), ("text/html", "json"), ("text/plain", "base64"), ("image/png", "png")]
)
def test_the_default_goes_before_its_equals(accept: str, form: Format) -> None:
    """With JSON as the default, clients that accept anything get JSON; those that name a form get that."""
    assert negotiate(accept, default="json") == form


@given(st.text(alphabet="abct/*;q=.01, -", max_size=60))
def test_any_header_gives_some_form(accept: str) -> None:
    """Whatever a client sends, it gets an answer."""
    assert negotiate(accept, default="base64") in get_args(Format)
