"""Tests of the session cookie."""

import pytest

from server.web.credentials import Keys
from server.web.session_cookie import SessionCookies

NOW = 1_800_000_000.0


def make_cookies(*values: str, now: float = NOW) -> SessionCookies:
    """Cookies for these keys, at a time."""
    return SessionCookies(Keys(values), lifetime_s=100, clock=lambda: now)


def test_accepts_what_it_issued() -> None:
    """A cookie is accepted by any server with the same key, also after a restart."""
    assert make_cookies("key-a", "key-b").accepts(make_cookies("key-b").issue("key-b"))


def test_ends_with_its_time() -> None:
    """A cookie is accepted until its end, and not after."""
    value = make_cookies("key-a").issue("key-a")
    assert make_cookies("key-a", now=NOW + 99).accepts(value)
    assert not make_cookies("key-a", now=NOW + 100).accepts(value)


def test_ends_with_its_key() -> None:
    """Removing a key signs out whoever signed in with it, and nobody else."""
    old, other = make_cookies("key-a").issue("key-a"), make_cookies("key-b").issue("key-b")
    remaining = make_cookies("key-b")
    assert not remaining.accepts(old)
    assert remaining.accepts(other)


def test_a_secret_of_the_cluster_signs_too() -> None:
    """Servers accept each other's cookies by the same secret, and none that was made with the key alone."""
    keys = Keys(("key-a",))
    here, there, alone = (SessionCookies(keys, lifetime_s=100, secret=secret, clock=lambda: NOW) for secret in ("s", "s", ""))
    assert there.accepts(here.issue("key-a"))
    assert not here.accepts(alone.issue("key-a"))


@pytest.mark.parametrize("value", ["", ".", "1900000000", "1900000000.", "1900000000.00ff", "x.y", "ä.ö", "\udc80.x"])
def test_refuses_forged_values(value: str) -> None:
    """A value without the right signature is refused, whatever stands in it."""
    assert not make_cookies("key-a").accepts(value)


def test_refuses_a_later_end() -> None:
    """The end cannot be moved."""
    expires, _, signature = make_cookies("key-a").issue("key-a").partition(".")
    assert not make_cookies("key-a").accepts(f"{int(expires) + 1}.{signature}")
    assert not make_cookies("key-a").accepts(f"0{expires}.{signature}")


def test_does_not_contain_the_key() -> None:
    """Whoever sees a cookie does not see the key."""
    assert "key-a" not in make_cookies("key-a").issue("key-a")
