"""Tests of the channels of the settings; what they send is in tests/alerts and in test_alerts."""

from pathlib import Path

import msgspec
import pytest

from server.config.settings import Settings
from server.config.watching import Alerts, Email, Mqtt, Webhook
from server.domain.errors import ChannelFailed, SettingsError
from server.web import keys
from server.web.channels import ChannelService
from server.web.records import Records
from tests.conftest import ClientFactory


def make_channels(settings: Settings, **sections: Alerts | Email | Mqtt) -> ChannelService:
    """The channels of these sections, which are not opened."""
    records = Records(settings)
    return ChannelService(msgspec.structs.replace(settings, **sections), records=records, picture_of=Path, io=records.executor)


@pytest.mark.parametrize(
    "url",
    [
        "guards.example/s3cret",
        "ftp://guards.example/s3cret",
        "http:///s3cret",
        "https://guards..example/s3cret",
        "http://[x/s3cret",
    ],
)
def test_a_webhook_at_no_address_ends_the_start(settings: Settings, url: str) -> None:
    """One line names it, without its address."""
    with pytest.raises(SettingsError, match=r"alerts\.webhooks: .*'guards'") as refused:
        make_channels(settings, alerts=Alerts(webhooks=[Webhook(name="guards", url=url)]))
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8123/hook", "https://[::1]/hook", "http://my_service/hook", "https://wächter.example"]
)
def test_a_webhook_may_be_anywhere_else(settings: Settings, url: str) -> None:
    """Names within a network of containers included."""
    make_channels(settings, alerts=Alerts(webhooks=[Webhook(name="guards", url=url)]))


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        (Email(host="mail.example", sender="s@h.example", recipients=["a@t.example b@t.example"]), r"email\.recipients"),
        (
            Email(host="mail.example", sender="s@h.example", recipients=["a@t.example", "b@t.example,c@t.example"]),
            r"email\.recipients",
        ),
        (Email(host="mail.example", sender="s@h.example\n", recipients=["a@t.example"]), r"email\.sender"),
        (Email(host="mail..example", sender="s@h.example", recipients=["a@t.example"]), r"email\.host"),
    ],
)
def test_mail_to_no_address_ends_the_start(settings: Settings, broken: Email, named: str) -> None:
    """Each recipient is an entry of its own."""
    with pytest.raises(SettingsError, match=named):
        make_channels(settings, email=broken)


def test_mail_goes_to_people_and_to_users_of_the_machine(settings: Settings) -> None:
    """A name may stand before the address."""
    pytest.importorskip("aiosmtplib")
    recipients = ["Guards <a@t.example>", '"Doe, John" <b@t.example>', "root"]
    make_channels(settings, email=Email(host="mail.example", sender="Sightline <s@h.example>", recipients=recipients))


def test_a_broker_without_a_place_ends_the_start(settings: Settings) -> None:
    """Nobody would ever connect to it."""
    with pytest.raises(SettingsError, match=r"mqtt\.host"):
        make_channels(settings, mqtt=Mqtt(host="broker..example"))


async def test_a_host_that_cannot_be_asked_for_is_no_fault_of_ours(start_client: ClientFactory) -> None:
    """The message is given up, and those of the other channels go on."""
    client = await start_client()
    assert client.app is not None
    with pytest.raises(ChannelFailed, match="address") as failure:
        await client.app[keys.CHANNELS]._post("http://guards..example/hook", body=b"{}", headers={})
    assert (failure.value.retry, failure.value.may_have_arrived) == (False, False)
