"""Tests of the session cookie."""

import hashlib
import hmac

import pytest

from server.web.api_key import Right, api_key, session_token
from server.web.credentials import Keys
from server.web.session_cookie import SessionCookies

NOW = 1_800_000_000.0


def make_cookies(*values: str, now: float = NOW, secret: str = "") -> SessionCookies:
    """Cookies for keys of these values, which are named as they are, at a time."""
    keys = Keys([api_key(value, name=value, right=Right.VIEW) for value in values])
    return SessionCookies(keys, lifetime_s=100, secret=secret, clock=lambda: now)


def issue(value: str, *, secret: str = "") -> str:
    """The cookie of whoever has shown this key."""
    key = api_key(value, name=value, right=Right.VIEW)
    return make_cookies(value, secret=secret).issue(value, key=key)


def test_names_the_key_that_it_was_issued_for() -> None:
    """A cookie stands for its key on any server that has it, also after a restart."""
    holder = make_cookies("key-a", "key-b").holder(issue("key-b"))
    assert holder is not None
    assert holder.name == "key-b"


def test_ends_with_its_time() -> None:
    """A cookie is accepted until its end, and not after."""
    value = issue("key-a")
    assert make_cookies("key-a", now=NOW + 99).holder(value)
    assert not make_cookies("key-a", now=NOW + 100).holder(value)


def test_ends_with_its_key() -> None:
    """Removing a key signs out whoever signed in with it, and nobody else."""
    remaining = make_cookies("key-b")
    assert not remaining.holder(issue("key-a"))
    assert remaining.holder(issue("key-b"))


def test_a_secret_of_the_cluster_signs_too() -> None:
    """Servers accept each other's cookies by the same secret, and none that was made with the key alone."""
    assert make_cookies("key-a", secret="s").holder(issue("key-a", secret="s"))
    assert not make_cookies("key-a", secret="s").holder(issue("key-a"))


def test_what_the_server_keeps_makes_no_cookie() -> None:
    """Whoever reads the key file knows both digests; a cookie that is made of them opens nothing."""
    key = api_key("key-a", name="key-a", right=Right.ADMIN)
    expires = str(int(NOW) + 50)
    for token in (key.digest.hex(), key.session_digest.hex()):
        signing_key = hashlib.sha256(b"sightline session\0" + key.digest + b"\0").digest()
        signature = hmac.new(signing_key, f"{expires}.{token}".encode(), hashlib.sha256).hexdigest()
        assert not make_cookies("key-a").holder(f"{expires}.{token}.{signature}")
    token = session_token("key-a")
    signature = hmac.new(signing_key, f"{expires}.{token}".encode(), hashlib.sha256).hexdigest()
    assert make_cookies("key-a").holder(f"{expires}.{token}.{signature}")  # so that the signatures above were right


@pytest.mark.parametrize("value", ["", ".", "1900000000", "1900000000.", "1900000000.00ff", "x.y", "ä.ö", "\udc80.x"])
def test_refuses_forged_values(value: str) -> None:
    """A value without the right signature is refused, whatever stands in it."""
    assert not make_cookies("key-a").holder(value)


def test_refuses_a_later_end() -> None:
    """The end cannot be moved."""
    expires, _, rest = issue("key-a").partition(".")
    assert make_cookies("key-a").holder(f"{expires}.{rest}")
    assert not make_cookies("key-a").holder(f"{int(expires) + 1}.{rest}")
    assert not make_cookies("key-a").holder(f"0{expires}.{rest}")


def test_does_not_contain_the_key() -> None:
    """Whoever sees a cookie does not see the key."""
    assert "key-a" not in issue("key-a")
