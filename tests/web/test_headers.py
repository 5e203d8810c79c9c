"""Tests of what every answer has, over all routes."""

import pytest

from server.config.settings import Auth, Settings
from server.web.headers import FILE_POLICY, PAGE_POLICY
from server.web.routes import ROUTES, Route
from tests.conftest import Client, ClientFactory, with_sections
from tests.web.test_access import KEY, address, name_of

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Server": "Sightline",
}
CROSS_SITE = ("/predict", "/api/predict")


def directives(policy: str) -> dict[str, str]:
    """A content security policy by its directives."""
    pairs = (part.strip().partition(" ") for part in policy.split(";"))
    return {name: value for name, _, value in pairs}


async def test_every_route_has_them(start_client: ClientFactory, settings: Settings) -> None:
    """Answers, refusals, streams and preflights alike, with a key and without."""
    client = await start_client(with_sections(settings, auth=Auth(api_keys=[KEY])))
    for shown in ({}, {"Authorization": f"Bearer {KEY}"}):
        for route in ROUTES:
            await check_route(client, route, shown=shown)


async def check_route(client: Client, route: Route, *, shown: dict[str, str]) -> None:
    """Fails when the answer of a route lacks one of them."""
    async with client.request(route.method, address(route), headers=shown) as answer:
        headers = answer.headers
        name = f"{name_of(route)}: {answer.status}"
        assert {header: headers.get(header) for header in ALWAYS} == ALWAYS, name
        assert headers["X-Request-Id"], name
        assert headers["Cache-Control"] in ("no-store", "no-cache"), name
        page = answer.content_type == "text/html"
        assert headers["Content-Security-Policy"] == (PAGE_POLICY if page else FILE_POLICY), name
        assert page is ("Permissions-Policy" in headers) is ("Cross-Origin-Opener-Policy" in headers), name
        cross_site = route.path in CROSS_SITE
        assert (headers.get("Cross-Origin-Resource-Policy") == "same-origin") is not cross_site, name
        assert ("Access-Control-Allow-Origin" in headers) is cross_site, name
        assert "Access-Control-Allow-Credentials" not in headers, name


@pytest.mark.parametrize("policy", [PAGE_POLICY, FILE_POLICY])
def test_a_policy_lets_nothing_in_that_is_not_named(policy: str) -> None:
    """What is not named is forbidden; forms lead nowhere, and no page of anybody may frame it."""
    found = directives(policy)
    assert (found["default-src"], found["form-action"], found["frame-ancestors"]) == ("'none'",) * 3


def test_the_page_runs_no_inline_script_or_style() -> None:
    """Nothing unsafe, nothing from elsewhere, and no text that becomes script."""
    found = directives(PAGE_POLICY)
    assert "unsafe" not in PAGE_POLICY
    assert (found["script-src"], found["style-src"], found["connect-src"]) == ("'self'",) * 3
    assert {source for value in found.values() for source in value.split()} <= {
        "'none'", "'self'", "blob:", "data:", "'script'", "sprite",
    }  # fmt: skip
    assert found["require-trusted-types-for"] == "'script'"


async def test_what_has_not_changed_keeps_the_policy_that_it_had(client: Client) -> None:
    """What a 304 says of a page replaces what the browser has kept of it, and a 304 has no type."""
    first = await client.get("/")
    again = await client.get("/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, "Content-Security-Policy" in again.headers) == (304, False)
    assert again.headers["X-Content-Type-Options"] == "nosniff"
