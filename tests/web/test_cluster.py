"""Tests of the cluster's settings."""

import ipaddress

import pytest

from server.config.settings import Cluster as ClusterSettings
from server.config.settings import Settings
from server.domain.errors import SettingsError
from server.web.cluster import Cluster, resolve_cluster
from server.web.signed_ids import NodeAddress, SignedIds
from tests.conftest import ClientFactory, with_sections

SECRET = "s" * 32


def make_cluster(
    settings: Settings, *, address: str = "10.0.0.1", secret: str = SECRET, network: str = "10.0.0.0/16"
) -> Cluster:
    """A server's place in a cluster."""
    networks = [network] if network else []
    given = ClusterSettings(address=address, secret=secret, peers_network=networks)
    return resolve_cluster(with_sections(settings, cluster=given))


def id_of(address: str) -> str:
    """An id that the server at this address has made."""
    return SignedIds(secret=SECRET, owner=NodeAddress(ipaddress.ip_address(address), 5000)).new()


def test_servers_share_their_keys(settings: Settings) -> None:
    """A key that this server has made itself opens no other, so the start is refused."""
    given = ClusterSettings(address="10.0.0.1", secret=SECRET, peers_network=["10.0.0.0/16"])
    with pytest.raises(SettingsError, match=r"auth\.api_keys"):
        resolve_cluster(with_sections(settings, cluster=given), generated_key=True)


def test_a_server_alone_passes_nothing_on(settings: Settings) -> None:
    """Without an address ids are not read at all."""
    assert resolve_cluster(settings).peer_of(id_of("10.0.0.2")) is None


def test_finds_the_peer_of_an_id(settings: Settings) -> None:
    """What another server of the network has made is its."""
    assert str(make_cluster(settings).peer_of(id_of("10.0.0.2"))) == "10.0.0.2:5000"


def test_its_own_ids_are_for_itself(settings: Settings) -> None:
    """An id of ours is answered here, also when nobody has it any more."""
    assert make_cluster(settings).peer_of(id_of("10.0.0.1")) is None


def test_nothing_goes_to_another_network(settings: Settings) -> None:
    """A well-signed id whose owner is not in the network of peers leads nowhere."""
    assert make_cluster(settings).peer_of(id_of("10.1.0.2")) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"secret": ""}, "needs cluster.secret"),
        ({"secret": "short"}, "fewer than 32"),
        ({"network": ""}, "needs cluster.peers_network"),
        ({"network": "10.0.0.1/8"}, "cluster.peers_network: 10.0.0.1/8"),
        ({"address": "auto.example"}, "cluster.address"),
    ],
)
def test_refuses_settings_that_do_not_fit(settings: Settings, changes: dict[str, str], message: str) -> None:
    """Each mistake ends the start with the name of the setting."""
    with pytest.raises(SettingsError, match=message):
        make_cluster(settings, **changes)


async def test_several_servers_offer_no_videos(start_client: ClientFactory, settings: Settings) -> None:
    """`features` is live and picture, and the addresses of videos answer 501 with the reason."""
    client = await start_client(with_sections(settings, cluster=ClusterSettings(size=2)))
    assert (await (await client.get("/api/info")).json())["features"] == ["live", "picture"]
    answer = await client.get("/api/videos")
    assert answer.status == 501
    assert "cluster.size" in (await answer.json())["detail"]
