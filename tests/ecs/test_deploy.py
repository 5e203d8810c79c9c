"""ecs/deploy.sh against an `aws` and a `docker` that write down what they are asked."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCKER = """
import json, os, sys
with open(os.environ["STUB_CALLS"], "a") as calls:
    calls.write(json.dumps(["docker", *sys.argv[1:]]) + "\\n")
if sys.argv[1] == "login":
    open(os.environ["STUB_CALLS"] + ".password", "w").write(sys.stdin.read())
"""
READS = ("describe-", "get-login-password", "get-role", "get-secret-value")


class _Ready(BaseHTTPRequestHandler):
    """Is ready from the question on whose number `ready_at` is."""

    asked = 0
    ready_at = 1

    def do_GET(self) -> None:
        """Answers."""
        type(self).asked += 1
        self.send_response(200 if self.path == "/readyz" and self.asked >= self.ready_at else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Is silent."""


class Checkout:
    """A checkout with the script in a repository of its own, and commands that write down their calls."""

    def __init__(self, folder: Path, *, url: str) -> None:
        self.folder = folder / "checkout"
        self._calls = folder / "calls"
        self._state = folder / "state.json"
        self._state.write_text(
            json.dumps({"stacks": {}, "images": [], "roles": ["AWSServiceRoleForECS", "AWSServiceRoleForElasticLoadBalancing"]})
        )
        commands = folder / "bin"
        commands.mkdir()
        aws = commands / "aws"
        aws.write_text(f"#!{sys.executable} -IS\n" + (ROOT / "tests/ecs/stub_aws.py").read_text())
        (commands / "docker").write_text(f"#!{sys.executable} -IS\n{DOCKER}")
        for command in commands.iterdir():
            command.chmod(0o755)
        self.environ = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "GIT_"))},
            "PATH": f"{commands}:{os.environ['PATH']}",
            "STUB_CALLS": str(self._calls),
            "STUB_STATE": str(self._state),
            "STUB_URL": url,
        }
        for name in ("ecs", "container"):
            shutil.copytree(ROOT / name, self.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        (self.folder / "pyproject.toml").write_text('version = "1.0"\n')
        self.git("init", "--quiet")
        self.commit()

    def git(self, *arguments: str) -> str:
        """Runs git there."""
        identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self) -> None:
        """Commits everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "all")

    def deploy(self, *arguments: str, code: int = 0, **environ: str) -> subprocess.CompletedProcess[str]:
        """Runs the script, and fails unless it ends with `code`."""
        command = [str(self.folder / "ecs/deploy.sh"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**self.environ, **environ})
        assert done.returncode == code, done.stderr
        return done

    def calls(self) -> list[list[str]]:
        """What was called since the last time."""
        lines = self._calls.read_text().splitlines() if self._calls.exists() else []
        self._calls.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]

    def changes(self) -> list[list[str]]:
        """Those of the calls since the last time that change something."""
        return [call for call in self.calls() if call[:2] != ["docker", "info"] and not call[2].startswith(READS)]

    def pushed(self) -> None:
        """The registry has the image of what is committed."""
        state = json.loads(self._state.read_text())
        state["images"].append(self.git("rev-parse", "--short=12", "HEAD"))
        self._state.write_text(json.dumps(state))

    def state(self, **values: Any) -> None:
        """What else the account says."""
        self._state.write_text(json.dumps({**json.loads(self._state.read_text()), **values}))


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """A checkout whose address, once it is deployed, is ready at once."""
    _Ready.asked, _Ready.ready_at = 0, 1
    with ThreadingHTTPServer(("127.0.0.1", 0), _Ready) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Checkout(tmp_path, url=f"http://127.0.0.1:{server.server_port}/")
        server.shutdown()


def _words(call: list[str]) -> str:
    return " ".join(call[:3])


def test_from_nothing_to_the_address(checkout: Checkout) -> None:
    """Registry first, then the image, then the service and the site; it waits for the address and prints it."""
    _Ready.ready_at = 2
    done = checkout.deploy()
    changes = checkout.changes()
    assert [_words(call) for call in changes] == [
        "aws cloudformation deploy",
        "docker build --file",
        "docker login --username",
        "docker push 123456789012.dkr.ecr.us-east-1.amazonaws.com/repository:"
        + checkout.git("rev-parse", "--short=12", "HEAD"),
        "aws cloudformation deploy",
        "aws cloudformation deploy",
        "aws s3 sync",
        "aws s3 sync",
        "aws s3 sync",
    ]
    first, second, site = (call for call in changes if call[2] == "deploy")
    assert "ImageTag=" in first
    assert f"ImageTag={checkout.git('rev-parse', '--short=12', 'HEAD')}" in second
    assert {"VpcId=vpc-1", "VpcCidr=10.0.0.0/16", "SubnetIds=subnet-1,subnet-2", "CloudFrontPrefixListId=pl-3b927c52"} <= {
        *second
    }
    assert {"OriginName=balancer.us-east-1.elb.amazonaws.com", "OriginSecretArn=arn:origin-secret"} <= {*site}
    assert done.stdout == checkout.environ["STUB_URL"] + "\n"
    assert _Ready.asked == 2


def test_a_second_time_builds_nothing(checkout: Checkout) -> None:
    """With the image in the registry and nothing changed it only says the stacks again, which then change nothing."""
    checkout.deploy()
    checkout.pushed()
    checkout.calls()
    checkout.deploy()
    changes = checkout.changes()
    assert not any(call[0] == "docker" for call in changes)
    assert [call[2] for call in changes] == ["deploy", "deploy", "sync", "sync", "sync"]
    assert all("--no-fail-on-empty-changeset" in call for call in changes if call[2] == "deploy")


def test_a_change_that_is_not_committed_is_another_image(checkout: Checkout) -> None:
    """The tag says that, and what, so that the registry never has one tag for two images."""
    checkout.deploy()
    checkout.pushed()
    (checkout.folder / "new").write_text("one")
    checkout.calls()
    checkout.deploy()
    (first,) = (call[2] for call in checkout.changes() if call[:2] == ["docker", "push"])
    (checkout.folder / "new").write_text("two")
    checkout.deploy()
    (second,) = (call[2] for call in checkout.changes() if call[:2] == ["docker", "push"])
    assert first != second
    assert checkout.git("rev-parse", "--short=12", "HEAD") in first


def test_a_dry_run_changes_nothing(checkout: Checkout) -> None:
    """On an account without stacks it reads, says each command that would change something, and calls none of them."""
    done = checkout.deploy("--dry-run", "--set", "MaxTasks=1")
    assert checkout.changes() == []
    said = [line.removeprefix("would run: ") for line in done.stderr.splitlines() if line.startswith("would run: ")]
    assert [" ".join(line.split()[:3]) for line in said if line.startswith("aws cloudformation")] == [
        "aws cloudformation deploy"
    ] * 3
    assert any("container/build.sh" in line for line in said)
    assert any("MaxTasks=1" in line for line in said)
    assert done.stdout == ""
    assert "nothing was changed" in done.stderr


def test_an_account_that_is_new_gets_the_roles_of_services(checkout: Checkout) -> None:
    """Where ECS and load balancers were never used their own roles are made first, and each only where it is missing."""
    checkout.state(roles=["AWSServiceRoleForElasticLoadBalancing"])
    checkout.deploy()
    first, second, *_ = checkout.changes()
    assert (first[2], first[-1]) == ("create-service-linked-role", "ecs.amazonaws.com")
    assert second[2] == "deploy"


def test_no_secret_is_said(checkout: Checkout) -> None:
    """The registry's password goes from one command to the other, never into arguments or words."""
    done = checkout.deploy()
    assert "the-password" not in done.stdout + done.stderr
    assert not any("the-password" in argument for call in checkout.calls() for argument in call)
    password = Path(checkout.environ["STUB_CALLS"] + ".password")
    assert password.read_text().strip() == "the-password-of-the-registry"


def test_settings_go_to_the_template_that_has_them(checkout: Checkout) -> None:
    """--set reaches the stack whose parameter it is; one that is nobody's ends the script before anything is done."""
    checkout.deploy("--set", "TaskSize=4vcpu-8gb", "--set", "PriceClass=PriceClass_All")
    first, second, site = (call for call in checkout.changes() if call[2] == "deploy")
    assert "TaskSize=4vcpu-8gb" in first
    assert "TaskSize=4vcpu-8gb" in second
    assert "PriceClass=PriceClass_All" in site
    assert "PriceClass=PriceClass_All" not in second
    assert "no parameter TaskSise" in checkout.deploy("--set", "TaskSise=1", code=1).stderr
    assert "NAME=VALUE" in checkout.deploy("--set", "TaskSize", code=1).stderr
    assert checkout.calls() == []


def test_a_name_of_ones_own_for_the_origin_stays(checkout: Checkout) -> None:
    """Once set, it is not replaced by the load balancer's own name at the next deployment."""
    checkout.deploy("--set", "OriginName=live.example.org")
    checkout.calls()
    checkout.deploy()
    (site,) = (call for call in checkout.changes() if "ecs/site.yaml" in call)
    assert "OriginName=live.example.org" in site


def test_trouble_is_not_taken_for_an_empty_account(checkout: Checkout) -> None:
    """Where AWS refuses to say whether the stack exists the script ends, with AWS' words, and changes nothing."""
    done = checkout.deploy(code=1, STUB_TROUBLE="An error occurred (ExpiredToken): the token is expired")
    assert "the token is expired" in done.stderr
    assert checkout.changes() == []


def test_a_stack_that_failed_when_it_was_made_is_named(checkout: Checkout) -> None:
    """Such a stack can only be deleted, and the script says how."""
    checkout.deploy()
    checkout.calls()
    checkout.state(status="ROLLBACK_COMPLETE")
    assert "destroy" in checkout.deploy(code=1).stderr
    assert checkout.changes() == []


def test_an_account_without_a_default_network_is_told_what_to_do(checkout: Checkout) -> None:
    """It names the flags and the command that makes one; with the flags it goes on."""
    assert "create-default-vpc" in checkout.deploy(code=1, STUB_VPC="None").stderr
    checkout.calls()
    checkout.deploy("--vpc", "vpc-9", "--subnets", "subnet-8,subnet-9", STUB_VPC="None")
    deployed = next(call for call in checkout.changes() if call[2] == "deploy")
    assert {"VpcId=vpc-9", "SubnetIds=subnet-8,subnet-9"} <= {*deployed}


def test_destroy_empties_the_bucket_and_deletes_both(checkout: Checkout) -> None:
    """The site goes first, as it refers to the service; a second time there is nothing to do."""
    checkout.deploy()
    checkout.calls()
    checkout.deploy("destroy", "--yes")
    assert [(_words(call), call[-1]) for call in checkout.changes()] == [
        ("aws s3 rm", "--recursive"),
        ("aws cloudformation delete-stack", "sightline-site"),
        ("aws cloudformation wait", "sightline-site"),
        ("aws cloudformation delete-stack", "sightline"),
        ("aws cloudformation wait", "sightline"),
    ]
    checkout.deploy("destroy", "--yes")
    assert checkout.changes() == []


def test_destroy_asks_first(checkout: Checkout) -> None:
    """Whoever does not type the name deletes nothing; a dry run does not ask and deletes nothing either."""
    checkout.deploy()
    checkout.calls()
    command = [str(checkout.folder / "ecs/deploy.sh"), "destroy"]
    done = subprocess.run(command, input="yes\n", capture_output=True, text=True, check=False, env=checkout.environ)
    assert done.returncode == 1
    assert "nothing was deleted" in done.stderr
    checkout.deploy("destroy", "--dry-run")
    assert checkout.changes() == []


def test_the_key_and_the_address_can_be_asked_for(checkout: Checkout) -> None:
    """`key` and `url` print just that; without a stack they say so."""
    assert checkout.deploy("key", code=1).stdout == ""
    assert checkout.deploy("url", code=1).stdout == ""
    checkout.deploy()
    assert checkout.deploy("key").stdout == "secret of arn:api-key\n"
    assert checkout.deploy("url").stdout == checkout.environ["STUB_URL"] + "\n"


def test_what_is_not_known_is_refused(checkout: Checkout) -> None:
    """A word or a flag that does not exist ends with how it is used and code 2."""
    assert "usage:" in checkout.deploy("deply", code=2).stderr
    assert "needs a value" in checkout.deploy("--name", code=2).stderr
    assert "usage:" in checkout.deploy("--help").stdout


@pytest.mark.parametrize("script", ["ecs/deploy.sh", "ecs/beanstalk/bundle.sh"])
def test_shellcheck_finds_nothing(script: str) -> None:
    """The scripts are clean."""
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    done = subprocess.run(["shellcheck", str(ROOT / script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
