"""The doctor: looks at everything that live video needs, and says what is wrong and what to do."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

import msgspec

from server.config.settings import Settings
from server.domain.errors import DetectorFailed, ModelError, SettingsError
from server.domain.finding import Finding, Sign
from server.domain.model import ModelInfo
from server.inference.pool import DetectorPool
from server.inference.processors import processor
from server.inference.throughput import Throughput, measure
from server.pipeline.capacity import planned_capacity
from server.resources import version
from server.transports.ice import IceServer
from server.transports.network_checks import (
    check_aiortc,
    check_candidates,
    check_ice_server,
    check_public_address,
    check_udp_ports,
    host_addresses,
)
from server.web.access_checks import check_access, check_https, check_tcp_port
from server.web.configured_model import detector_workers, load_configured_model
from server.web.credentials import is_loopback
from server.web.ice_settings import ice_servers
from server.web.live_tuning import allowed_sizes
from server.web.machine_checks import check_disk, check_instructions, check_limits, check_speed, check_versions, check_videos
from server.web.own_addresses import AUTO, find_public_address

# Whoever asks again within this time gets the same answer: a check asks STUN and TURN servers.
VALID_S = 30.0


class FindingAnswer(msgspec.Struct, frozen=True):
    """One finding."""

    check: str
    sign: Sign
    text: str
    advice: str


class DoctorAnswer(msgspec.Struct, frozen=True):
    """All findings; `ok` tells that none is bad."""

    ok: bool
    version: str
    findings: list[FindingAnswer]


class Doctor:
    """Examines the machine for these settings; `io` takes what blocks."""

    def __init__(self, settings: Settings, *, io: Executor, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._io = io
        self._clock = clock
        self._lock = asyncio.Lock()
        self._known: list[Finding] = []
        self._known_until_s = float("-inf")

    async def examine(self) -> list[Finding]:
        """All findings before a start: loads the model and times it, and tries the port. Takes seconds."""
        loop = asyncio.get_running_loop()
        model, throughput, findings = await self._try_model()
        port = self._settings.server
        tcp = await loop.run_in_executor(self._io, check_tcp_port, port.host, port.port)
        return [*findings, *await self._look(model, throughput), tcp]

    async def examine_serving(self, model: ModelInfo, throughput: Throughput) -> list[Finding]:
        """The findings of a server that runs, with what it measured at its start; the same for VALID_S."""
        async with self._lock:
            if self._clock() >= self._known_until_s:
                loaded = Finding("model", "ok", _loaded(model))
                self._known = [self._without_places(one) for one in (loaded, *await self._look(model, throughput))]
                self._known_until_s = self._clock() + VALID_S
            return self._known

    def _without_places(self, finding: Finding) -> Finding:
        """The finding for whoever asks over the network: where things lie is for the person at the terminal."""
        settings = self._settings
        places = {
            str(Path(settings.server.data_dir).expanduser()): "server.data_dir",
            settings.auth.api_keys_file: "auth.api_keys_file",
        }
        text = finding.text
        for place, setting in places.items():
            text = text.replace(place, setting) if place else text
        return replace(finding, text=text)

    async def _try_model(self) -> tuple[ModelInfo | None, Throughput | None, list[Finding]]:
        loop = asyncio.get_running_loop()
        pool: DetectorPool | None = None
        try:
            pool = await loop.run_in_executor(self._io, self._create_pool)
            throughput = await measure(pool)
        except (ModelError, DetectorFailed) as exc:
            advice = "Name another model with --model, or none for the one that comes with Sightline."
            return None, None, [Finding("model", "bad", f"The model cannot be used: {exc}.", advice)]
        finally:
            if pool is not None:
                await loop.run_in_executor(self._io, pool.close)
        return pool.info, throughput, [Finding("model", "ok", _loaded(pool.info))]

    def _create_pool(self) -> DetectorPool:
        settings = self._settings
        detector = load_configured_model(settings)
        return DetectorPool(detector, workers=detector_workers(settings), hang_s=settings.inference.hang_s)

    async def _look(self, model: ModelInfo | None, throughput: Throughput | None) -> list[Finding]:
        """Everything but the model and the TCP port."""
        live, loop = self._settings.live, asyncio.get_running_loop()
        sessions, speed = live.max_sessions or 1, []
        if model is not None and throughput is not None:
            smallest, min_fps = allowed_sizes(live, model, throughput=throughput)[-1], live.min_detections_fps
            capacity = planned_capacity(smallest.detections_fps, min_fps=min_fps, max_sessions=live.max_sessions)
            sessions = capacity.sessions
            speed = [check_speed(model, throughput=throughput, smallest=smallest, capacity=capacity, min_fps=min_fps)]
        machine = await loop.run_in_executor(self._io, self._look_at_machine, model, sessions)
        return [*speed, *machine, await self._look_at_public_address(), *await self._look_at_ice_servers()]

    def _look_at_machine(self, model: ModelInfo | None, sessions: int) -> list[Finding]:
        server, webrtc, videos = self._settings.server, self._settings.webrtc, self._settings.videos
        data_dir = Path(server.data_dir).expanduser()
        local_only = is_loopback(server.host)
        addresses = host_addresses(loopback=webrtc.loopback_candidates)
        return [
            check_instructions(processor(), precision=model.precision if model else None),
            check_limits(),
            check_disk(data_dir),
            check_videos(data_dir, enabled=videos.enabled, min_free_bytes=videos.min_free_bytes, max_bytes=videos.max_bytes),
            check_versions(),
            check_aiortc(),
            check_access(self._settings),
            check_https(server.host),
            check_udp_ports(first=webrtc.udp_port_min, last=webrtc.udp_port_max, sessions=sessions),
            check_candidates(addresses, local_only=local_only),
        ]

    async def _look_at_public_address(self) -> Finding:
        """Whether others reach us, with the address that a start would find."""
        webrtc, local_only = self._settings.webrtc, is_loopback(self._settings.server.host)
        announced = webrtc.public_address
        if announced == AUTO:
            try:
                announced = await find_public_address(webrtc.public_address_url, attempts=1)
            except SettingsError as exc:
                advice = "Let the machine reach that address, name another, or set webrtc.public_address to the address itself."
                return Finding("public_address", "bad", f"{exc}.", advice)
        addresses = host_addresses(loopback=webrtc.loopback_candidates)
        return check_public_address(addresses, announced=announced, ice_servers=self._ice_servers(), local_only=local_only)

    async def _look_at_ice_servers(self) -> list[Finding]:
        servers = self._ice_servers()
        if not servers:
            return [Finding("ice_servers", "ok", "No STUN or TURN server is set.")]
        return list(await asyncio.gather(*(check_ice_server(url, server) for server in servers for url in server.urls)))

    def _ice_servers(self) -> tuple[IceServer, ...]:
        return ice_servers(self._settings.webrtc).current()


def doctor_answer(findings: Sequence[Finding]) -> DoctorAnswer:
    """The findings as they are sent and printed."""
    told = [FindingAnswer(one.check, one.sign, one.text, one.advice) for one in findings]
    return DoctorAnswer(ok=all(one.sign != "bad" for one in findings), version=version(), findings=told)


def _loaded(model: ModelInfo) -> str:
    classes = ", ".join(model.labels[:5]) + (", ..." if len(model.labels) > 5 else "")
    return f"{model.name} is loaded: {' '.join(model.runtime)} in {model.precision}, {model.imgsz} px, {classes}."
