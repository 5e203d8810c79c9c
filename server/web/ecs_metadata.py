"""What ECS tells a task about itself: its private address and its cluster."""

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import msgspec

from server.domain.errors import SettingsError
from server.web.outgoing import create_client

TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class EcsEndpoints:
    """The addresses that ECS puts into the environment of a container; empty where there is no ECS."""

    metadata_url: str = ""
    agent_url: str = ""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "EcsEndpoints":
        """Those of version 4 of the task metadata, which every version of Fargate in use has."""
        return cls(environ.get("ECS_CONTAINER_METADATA_URI_V4", ""), environ.get("ECS_AGENT_URI", ""))


class _Network(msgspec.Struct, frozen=True, rename="pascal"):
    ipv4_addresses: list[str] = msgspec.field(name="IPv4Addresses", default_factory=list)


class _Container(msgspec.Struct, frozen=True, rename="pascal"):
    networks: list[_Network] = []


class TaskMetadata(msgspec.Struct, frozen=True, rename="pascal"):
    """The part of a task's metadata that is of use to us; ECS sends more."""

    cluster: str = ""
    containers: list[_Container] = []

    @property
    def cluster_name(self) -> str:
        """The short name; ECS sends that or the ARN."""
        return self.cluster.rpartition("/")[2]

    @property
    def private_address(self) -> str:
        """The IPv4 address that all containers of the task share (awsvpc); empty where there is none."""
        networks = [network for container in self.containers for network in container.networks]
        return next((address for network in networks for address in network.ipv4_addresses), "")


async def read_task_metadata(endpoints: EcsEndpoints, *, timeout_s: float = TIMEOUT_S) -> TaskMetadata:
    """What ECS answers; SettingsError where it does not, or we do not run there."""
    if not endpoints.metadata_url:
        raise SettingsError("this is no task of ECS: ECS_CONTAINER_METADATA_URI_V4 is not set")
    url = f"{endpoints.metadata_url}/task"
    try:
        async with create_client(read_timeout_s=timeout_s, total_timeout_s=timeout_s) as http, http.get(url) as answer:
            answer.raise_for_status()
            return msgspec.json.decode(await answer.read(), type=TaskMetadata)
    except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError, UnicodeError) as exc:
        raise SettingsError(f"ECS does not tell about this task at {url}: {exc!r}") from exc
