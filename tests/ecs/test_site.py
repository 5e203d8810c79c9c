"""ecs/site.yaml: what reaches whom under the one address."""

import fnmatch
from typing import Any

import pytest

from server.web.handlers.events import HEARTBEAT_S
from server.web.routes import ROUTES
from tests.ecs.builders import site


def _distribution(**parameters: Any) -> dict[str, Any]:
    return dict(site(**parameters).properties("Distribution")["DistributionConfig"])


def _behaviour(path: str) -> dict[str, Any]:
    """What CloudFront does with a path: the first pattern that fits, else the default."""
    config = _distribution()
    return next(
        (one for one in config["CacheBehaviors"] if fnmatch.fnmatchcase(path, one["PathPattern"])),
        config["DefaultCacheBehavior"],
    )


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_reaches_who_answers_it(route: Any) -> None:
    """The page's files come from the bucket, everything else from the service, with every method that it has."""
    path = route.path.replace("{path:.+}", "js/main.js")
    behaviour = _behaviour(path)
    assert behaviour["TargetOriginId"] == ("page" if path.startswith("/static/") else "service")
    assert route.method in behaviour["AllowedMethods"]


def test_the_service_gets_everything_and_nothing_is_kept() -> None:
    """No caching, all headers, cookies and parameters, no compression that would hold an event stream, https for the viewer."""
    behaviour = _distribution()["DefaultCacheBehavior"]
    assert behaviour["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # CachingDisabled
    assert behaviour["OriginRequestPolicyId"] == "216adef6-5c7f-47e4-b989-5492eafa07d3"  # AllViewer
    assert behaviour["Compress"] is False
    assert set(behaviour["AllowedMethods"]) == {"GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"}


def test_plain_http_is_never_answered() -> None:
    """Both behaviours send a browser to https, and tell it to stay there."""
    config = _distribution()
    for behaviour in (config["DefaultCacheBehavior"], *config["CacheBehaviors"]):
        assert behaviour["ViewerProtocolPolicy"] == "redirect-to-https"
        assert behaviour["ResponseHeadersPolicyId"] == "Headers"
    security = site().properties("Headers")["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    assert security["StrictTransportSecurity"]["AccessControlMaxAgeSec"] >= 31536000


def test_pauses_are_shorter_than_the_timeout() -> None:
    """The heartbeat of the event stream fits into what CloudFront waits for, and nothing is asked for twice."""
    (service,) = (one for one in _distribution()["Origins"] if one["Id"] == "service")
    assert 2 * HEARTBEAT_S < service["CustomOriginConfig"]["OriginReadTimeout"] <= 60
    assert service["ConnectionAttempts"] == 1


def test_the_service_knows_our_distribution() -> None:
    """The header that the listener wants is sent, from the same secret, and stands nowhere in the clear."""
    (service,) = (one for one in _distribution()["Origins"] if one["Id"] == "service")
    (header,) = service["OriginCustomHeaders"]
    assert header["HeaderName"] == "X-Sightline-Origin"
    assert header["HeaderValue"].startswith("{{resolve:secretsmanager:arn:")
    assert service["CustomOriginConfig"]["OriginProtocolPolicy"] == "http-only"
    (service,) = (one for one in _distribution(OriginHasCertificate="true")["Origins"] if one["Id"] == "service")
    assert service["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"


def test_the_bucket_is_closed() -> None:
    """Nobody but our distribution reads it, only the page's files, and only over TLS."""
    bucket = site().properties("Bucket")
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    allow, deny = site().properties("BucketPolicy")["PolicyDocument"]["Statement"]
    assert allow["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert allow["Action"] == "s3:GetObject"
    assert allow["Resource"].endswith("/static/*")
    assert allow["Condition"]["StringEquals"]["AWS:SourceArn"].endswith(":distribution/Distribution")
    assert (deny["Effect"], deny["Principal"]) == ("Deny", "*")


def test_a_domain_of_ones_own() -> None:
    """It brings its certificate; without one the address is CloudFront's."""
    assert _distribution()["ViewerCertificate"] == {"CloudFrontDefaultCertificate": True}
    assert "Aliases" not in _distribution()
    own = _distribution(DomainName="watch.example.org", SiteCertificateArn="arn:aws:acm:us-east-1:1:certificate/1")
    assert own["Aliases"] == ["watch.example.org"]
    assert own["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
