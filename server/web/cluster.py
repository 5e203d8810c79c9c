"""The cluster: what this server knows of the others behind the same load balancer."""

from dataclasses import dataclass, field

from server.config.settings import Settings
from server.domain.errors import SettingsError
from server.web.networks import Networks, parse_networks
from server.web.signed_ids import NodeAddress, SignedIds, parse_node_address

# A secret that can be guessed from an id, without asking us, is none: 128 bits are 32 characters in hexadecimal.
LEAST_SECRET_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class Cluster:
    """The place of this server: its own address and ids, and the networks in which the others are; without ids it is alone."""

    own: NodeAddress | None = None
    ids: SignedIds | None = field(default=None, repr=False)
    peers: Networks = field(default_factory=Networks)

    def peer_of(self, session_id: str) -> NodeAddress | None:
        """The other server that has the session of that id; None where it would be ours, or nobody's."""
        owner = self.ids.owner_of(session_id) if self.ids is not None else None
        return owner if owner is not None and owner != self.own and str(owner.ip) in self.peers else None


def resolve_cluster(settings: Settings, *, generated_key: bool = False) -> Cluster:
    """The cluster of the settings, whose addresses are known by now; SettingsError for what fits not together.

    `generated_key` tells that this server has made its API key itself.
    """
    cluster = settings.cluster
    if cluster.secret and len(cluster.secret) < LEAST_SECRET_CHARACTERS:
        raise SettingsError(
            f"cluster.secret has fewer than {LEAST_SECRET_CHARACTERS} characters: make one with openssl rand -hex 32"
        )
    if not cluster.address:
        return Cluster()
    if not cluster.secret:
        raise SettingsError("cluster.address needs cluster.secret, which signs the ids that others pass on")
    if not cluster.peers_network:
        raise SettingsError("cluster.address needs cluster.peers_network: requests are passed on only to servers in it")
    if generated_key:
        raise SettingsError("cluster.address needs auth.api_keys: each server would make a key of its own")
    own = parse_node_address(cluster.address, port=settings.server.port)
    peers = parse_networks(cluster.peers_network, setting="cluster.peers_network")
    return Cluster(own, SignedIds(secret=cluster.secret, owner=own), peers)
