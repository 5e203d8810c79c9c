"""Tests of signed ids."""

import ipaddress

import pytest

from server.domain.errors import SettingsError
from server.web.signed_ids import NodeAddress, SignedIds, parse_node_address

SECRET = "s" * 32
OWNER = NodeAddress(ipaddress.ip_address("10.0.0.5"), 5000)


@pytest.mark.parametrize("address", ["10.0.0.5", "fd00::5"])
def test_an_id_names_its_owner(address: str) -> None:
    """Every server with the secret reads from an id whose it is."""
    owner = NodeAddress(ipaddress.ip_address(address), 8080)
    made = SignedIds(secret=SECRET, owner=owner).new()
    assert SignedIds(secret=SECRET, owner=OWNER).owner_of(made) == owner


def test_ids_differ() -> None:
    """No two ids of a server are the same."""
    ids = SignedIds(secret=SECRET, owner=OWNER)
    assert len({ids.new() for _ in range(100)}) == 100


def test_an_id_of_another_cluster_has_no_owner() -> None:
    """An id that was signed with another secret is nobody's."""
    assert SignedIds(secret="t" * 32, owner=OWNER).owner_of(SignedIds(secret=SECRET, owner=OWNER).new()) is None


def test_a_changed_id_has_no_owner() -> None:
    """Each character counts: nobody can write another address into an id."""
    ids = SignedIds(secret=SECRET, owner=OWNER)
    made = ids.new()
    for place in range(len(made) - 1):  # the last one has bits that mean nothing
        other = "A" if made[place] != "A" else "B"
        assert ids.owner_of(made[:place] + other + made[place + 1 :]) is None


@pytest.mark.parametrize("text", ["", "x", "ä", "a b", "../..", "A" * 22, "A" * 10_000, "=" * 50])
def test_what_is_no_id_has_no_owner(text: str) -> None:
    """Whatever stands in an address, reading it raises nothing."""
    assert SignedIds(secret=SECRET, owner=OWNER).owner_of(text) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("10.0.0.5", "10.0.0.5:5000"),
        ("10.0.0.5:80", "10.0.0.5:80"),
        ("fd00::5", "[fd00::5]:5000"),
        ("[fd00::5]", "[fd00::5]:5000"),
        ("[fd00::5]:80", "[fd00::5]:80"),
    ],
)
def test_reads_addresses(text: str, shown: str) -> None:
    """Both families, with a port and without."""
    assert str(parse_node_address(text, port=5000)) == shown


@pytest.mark.parametrize("text", ["", "example.org", "10.0.0.5:x", "10.0.0.5:70000", "10.0.0.5:0", "[fd00::5"])
def test_refuses_what_is_no_address(text: str) -> None:
    """A name, or a port that there is not, is refused with the setting's name."""
    with pytest.raises(SettingsError, match=r"cluster\.address"):
        parse_node_address(text, port=5000)
