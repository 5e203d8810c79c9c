"""Named keys of a running server, for tests of the web layer."""

from server.web import keys
from tests.conftest import Client


def by(value: str) -> dict[str, str]:
    """The headers of whoever has this key."""
    return {"Authorization": f"Bearer {value}"}


async def look(client: Client) -> None:
    """Has the server look at its key file now, as it does every second."""
    assert client.app is not None
    await client.app[keys.KEY_WATCH].look()
