"""No secret is in the log, at any level."""

from pathlib import Path

from tests.security.secret_session import SECRETS, SecretSession, surroundings, write_settings
from tests.server_process import ServerProcess


async def test_a_whole_session_logs_no_secret(tmp_path: Path) -> None:
    """Keys, cookies, passwords, tokens in addresses, ICE passwords: a real server at its most talkative prints none."""
    async with surroundings() as around:
        settings = write_settings(tmp_path / "sightline.toml", around=around)
        with ServerProcess("--config", str(settings)) as server:
            session = SecretSession(server.url, around=around)
            await session.run()
        log = server.output
    for happened in (" debug ", " session opened: ", "camera Rtsp is unauthorised", "MQTT: ", "a request from "):
        assert happened in log, log
    secrets = {**SECRETS, **session.learnt}
    assert {name: line for name, secret in secrets.items() for line in log.splitlines() if secret in line} == {}
