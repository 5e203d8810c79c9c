"""ecs/service.yaml: what cfn-lint does not see."""

import itertools
import json
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ecs.template import FOLDER, SERVICE, SITE, Template
from server.config.load import load_settings
from server.config.settings import Settings
from server.web.routes import ROUTES
from tests.ecs.builders import SERVICE_DOCUMENT, container, environment, service

# Fargate's table "Task CPU and memory": processor units to MiB.
FARGATE_SIZES = {
    256: {512, 1024, 2048},
    512: set(range(1024, 4096 + 1, 1024)),
    1024: set(range(2048, 8192 + 1, 1024)),
    2048: set(range(4096, 16384 + 1, 1024)),
    4096: set(range(8192, 30720 + 1, 1024)),
    8192: set(range(16384, 61440 + 1, 4096)),
    16384: set(range(32768, 122880 + 1, 8192)),
}


def _rules(template: Template, direction: str) -> list[dict[str, Any]]:
    """All rules of one direction, those in resources of their own included."""
    groups = [template.properties(name) for name in template.resources("AWS::EC2::SecurityGroup")]
    inside = itertools.chain.from_iterable(one.get(f"SecurityGroup{direction}", []) for one in groups)
    return [*inside, *(template.properties(name) for name in template.resources(f"AWS::EC2::SecurityGroup{direction}"))]


@pytest.mark.parametrize("file", [SERVICE, SITE], ids=lambda file: file.name)
def test_cfn_lint_finds_nothing(file: Path) -> None:
    """Types, properties, references and values are what CloudFormation takes, warnings included."""
    command = [str(Path(sys.executable).with_name("cfn-lint")), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_files_are_within_the_limits_of_a_request() -> None:
    """A template that is sent with the request may have 51,200 bytes."""
    for file in (SERVICE, SITE):
        assert file.stat().st_size <= 51_200
        assert not re.search(r"[:\-] [&*][a-z]", file.read_text()), f"CloudFormation knows no YAML aliases: {file.name}"


def test_every_size_is_one_that_fargate_has() -> None:
    """Each pair of processor and memory that TaskSize can choose exists."""
    for size in SERVICE_DOCUMENT["Parameters"]["TaskSize"]["AllowedValues"]:
        task = service(TaskSize=size).properties("TaskDefinition")
        assert int(task["Memory"]) in FARGATE_SIZES[int(task["Cpu"])]
    assert set(SERVICE_DOCUMENT["Mappings"]["Sizes"]) == set(SERVICE_DOCUMENT["Parameters"]["TaskSize"]["AllowedValues"])


def test_a_task_without_parameters_has_two_processors() -> None:
    """The default is 2 vCPU and 4 GB."""
    task = service().properties("TaskDefinition")
    assert (task["Cpu"], task["Memory"]) == ("2048", "4096")


def test_the_drain_ends_before_the_task_is_killed() -> None:
    """Fargate takes a stopTimeout of up to 120 s, and running sessions get less than that."""
    timeout_s = container(service())["StopTimeout"]
    drain_s = float(environment(service())["SIGHTLINE_SERVER__DRAIN_S"])
    assert drain_s + 10 <= timeout_s <= 120


def test_one_port_all_the_way() -> None:
    """Server, container, target group, service and security groups name the same port."""
    template = service()
    port = int(environment(template)["SIGHTLINE_SERVER__PORT"])
    assert [one["ContainerPort"] for one in container(template)["PortMappings"]] == [port]
    assert template.properties("TargetGroup")["Port"] == port
    (target,) = template.properties("Service")["LoadBalancers"]
    assert (target["ContainerPort"], target["ContainerName"]) == (port, container(template)["Name"])
    assert f'"127.0.0.1", {port}' in container(template)["HealthCheck"]["Command"][-1]
    for name in ("LoadBalancerToTasks", "TasksFromLoadBalancer", "TasksFromTasks", "TasksToTasks"):
        rule = template.properties(name)
        assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", port, port)


def test_targets_are_addresses_and_checked_for_readiness() -> None:
    """Tasks are targets by address; the path of the check exists, and is open to a caller without a key."""
    group = service().properties("TargetGroup")
    assert group["TargetType"] == "ip"
    assert group["HealthCheckPath"] == "/readyz"
    assert group["HealthCheckTimeoutSeconds"] < group["HealthCheckIntervalSeconds"]
    (route,) = (route for route in ROUTES if route.path == group["HealthCheckPath"])
    assert route.audience.name == "PROBES"


class _Answer(BaseHTTPRequestHandler):
    """Answers /healthz with 200, and whatever else with 503, as a server that drains does."""

    def do_GET(self) -> None:
        """Answers."""
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Is silent."""


def test_the_health_check_asks_whether_the_process_is_alive() -> None:
    """A task that drains is not ready, but must not be replaced: its check asks /healthz, and fails without an answer."""
    check = container(service())["HealthCheck"]
    kind, _, *command = check["Command"]
    assert kind == "CMD"
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answer) as server:
        command[-1] = command[-1].replace("5000", str(server.server_port))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert subprocess.run([sys.executable, *command], check=False).returncode == 0
        wrong = [*command[:-1], command[-1].replace("/healthz", "/readyz")]
        assert subprocess.run([sys.executable, *wrong], check=False).returncode != 0
        server.shutdown()
    assert subprocess.run([sys.executable, *command], check=False, stderr=subprocess.DEVNULL).returncode != 0
    assert 2 <= check["Timeout"] <= 60 <= check["StartPeriod"] <= 300
    assert 5 <= check["Interval"] <= 300


@pytest.mark.parametrize(("first", "last"), [(50000, 50999), (40000, 40100)])
def test_one_range_of_udp_ports(first: int, last: int) -> None:
    """The system, the server and the security group have the same range, and no other UDP port is open."""
    template = service(MediaPortFirst=first, MediaPortLast=last)
    (control,) = container(template)["SystemControls"]
    assert control == {"Namespace": "net.ipv4.ip_local_port_range", "Value": f"{first} {last}"}
    variables = environment(template)
    assert (variables["SIGHTLINE_WEBRTC__UDP_PORT_MIN"], variables["SIGHTLINE_WEBRTC__UDP_PORT_MAX"]) == (str(first), str(last))
    (rule,) = (rule for rule in _rules(template, "Ingress") if rule["IpProtocol"] == "udp")
    assert (rule["FromPort"], rule["ToPort"]) == (first, last)


def test_nothing_is_open_to_the_world_but_live_video() -> None:
    """Of all that lets somebody in only the media rule names the whole internet; the load balancer admits CloudFront's list."""
    template = service()
    open_to_all = [rule for rule in _rules(template, "Ingress") if "0.0.0.0/0" in rule.values() or "CidrIpv6" in rule]
    assert [rule["Description"] for rule in open_to_all] == ["Live video"]
    assert not any(rule["IpProtocol"] == "-1" for rule in _rules(template, "Ingress"))
    (front,) = template.properties("LoadBalancerGroup")["SecurityGroupIngress"]
    assert front["SourcePrefixListId"] == "pl-3b927c52"
    assert front["FromPort"] == front["ToPort"] == template.properties("Listener")["Port"]


def test_live_video_can_be_narrowed() -> None:
    """MediaCidr replaces the whole internet, after which nothing names it any more."""
    assert not any("0.0.0.0/0" in rule.values() for rule in _rules(service(MediaCidr="203.0.113.0/24"), "Ingress"))


def test_the_load_balancer_answers_our_distribution_only() -> None:
    """Without the secret header the answer is 403; /metrics is 404 for everybody, before the header is looked at."""
    template = service()
    (refusal,) = template.properties("Listener")["DefaultActions"]
    assert refusal["FixedResponseConfig"]["StatusCode"] == "403"
    metrics, ours = template.properties("NoMetrics"), template.properties("FromOurDistribution")
    assert metrics["Priority"] < ours["Priority"]
    assert "/metrics" in metrics["Conditions"][0]["PathPatternConfig"]["Values"]
    assert metrics["Actions"][0]["FixedResponseConfig"]["StatusCode"] == "404"
    assert ours["Conditions"][0]["HttpHeaderConfig"]["Values"] == ["{{resolve:secretsmanager:OriginSecret}}"]
    assert ours["Actions"] == [{"Type": "forward", "TargetGroupArn": "TargetGroup"}]


def test_a_certificate_makes_the_listener_https() -> None:
    """With a certificate the one port is 443, with TLS 1.2 or newer, and the security group follows."""
    template = service(CertificateArn="arn:aws:acm:us-east-1:123456789012:certificate/1")
    listener = template.properties("Listener")
    assert (listener["Port"], listener["Protocol"]) == (443, "HTTPS")
    assert "TLS13" in listener["SslPolicy"]
    assert template.properties("LoadBalancerGroup")["SecurityGroupIngress"][0]["FromPort"] == 443
    assert service().properties("Listener").keys().isdisjoint({"Certificates", "SslPolicy"})


def test_roles_may_little() -> None:
    """No statement allows every action, and the one without a resource is the registry's sign-in, which has none."""
    template = service(TurnUrls="turn:t", TurnSecretArn="arn:aws:secretsmanager:us-east-1:123456789012:secret:turn")
    roles = [template.properties(name) for name in ("ExecutionRole", "TaskRole")]
    statements = [one for role in roles for policy in role["Policies"] for one in policy["PolicyDocument"]["Statement"]]
    statements += template.properties("ReadTurnSecret")["PolicyDocument"]["Statement"]
    actions = [(one["Action"] if isinstance(one["Action"], list) else [one["Action"]], one["Resource"]) for one in statements]
    assert not any("*" in action for named, _ in actions for action in named)
    assert [named for named, resource in actions if resource == "*"] == [["ecr:GetAuthorizationToken"]]
    own = template.properties("TaskRole")["Policies"][0]["PolicyDocument"]["Statement"][0]
    assert own["Action"] == ["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"]
    assert own["Resource"] == "arn:aws:ecs:us-east-1:123456789012:task/Cluster/*"
    assert not any("ManagedPolicyArns" in role for role in roles)


def test_the_execution_role_reads_each_secret_and_no_other() -> None:
    """What the container gets as a secret is what the role that fetches it may read."""
    template = service(TurnUrls="turn:t", TurnSecretArn="arn:turn")
    needed = {one["ValueFrom"] for one in container(template)["Secrets"]}
    (reads,) = (
        one
        for one in template.properties("ExecutionRole")["Policies"][0]["PolicyDocument"]["Statement"]
        if one["Action"] == "secretsmanager:GetSecretValue"
    )
    assert {*reads["Resource"], template.properties("ReadTurnSecret")["PolicyDocument"]["Statement"][0]["Resource"]} == needed
    assert not any("SECRET" in name or "KEY" in name for name in environment(template))


def test_the_container_may_little() -> None:
    """Its root is read-only but for one volume, it has no capabilities, and its log cannot hold it up."""
    only = container(service())
    assert only["ReadonlyRootFilesystem"] is True
    assert only["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
    (mount,) = only["MountPoints"]
    assert mount["ContainerPath"] == environment(service())["SIGHTLINE_SERVER__DATA_DIR"]
    assert only["LogConfiguration"]["Options"]["mode"] == "non-blocking"
    assert "EnableExecuteCommand" not in service().properties("Service")


def test_several_tasks_take_no_video_files() -> None:
    """A file lies on one task's disk, so only a service of one task takes them."""
    assert environment(service())["SIGHTLINE_VIDEOS__ENABLED"] == "false"
    assert environment(service())["SIGHTLINE_CLUSTER__SIZE"] == "4"
    assert environment(service(MaxTasks=1))["SIGHTLINE_VIDEOS__ENABLED"] == "true"


def test_every_variable_is_a_setting() -> None:
    """The server refuses unknown settings at its start, so each variable has to be one, with a value that it takes."""
    template = service(
        TurnUrls="turn:turn.example.org:3478?transport=udp,turns:turn.example.org:443?transport=tcp",
        TurnSecretArn="arn:turn",
        AllowedHosts="page.example.org",
    )
    secrets = {one["Name"]: "0123456789abcdef0123456789abcdef" for one in container(template)["Secrets"]}
    settings = load_settings(file=None, environ={**environment(template), **secrets}, flags={})
    assert settings != Settings()
    assert msgspec.to_builtins(settings)["webrtc"]["turn_urls"] == template.parameters["TurnUrls"].split(",")


def test_scaling_counts_the_streams_of_a_task() -> None:
    """Two policies, processor and streams; the latter by the average of a metric whose dimension the alarm shares."""
    template = service(StreamsPerTask=3)
    streams = template.properties("ScaleOnStreams")["TargetTrackingScalingPolicyConfiguration"]
    metric = streams["CustomizedMetricSpecification"]
    assert (streams["TargetValue"], metric["Statistic"]) == (3, "Average")
    assert template.properties("NoStreamCount")["Dimensions"] == metric["Dimensions"]
    target = template.properties("ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
    assert target["ResourceId"] == "service/Cluster/Service.Name"
    assert "DesiredCount" not in template.properties("Service"), "a deployment would undo what scaling has decided"


def test_a_deployment_that_fails_goes_back() -> None:
    """The circuit breaker is on with rollback, and there are never fewer ready tasks than before."""
    deployment = service().properties("Service")["DeploymentConfiguration"]
    assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert deployment["MinimumHealthyPercent"] == 100


def test_without_an_image_there_is_all_but_the_service() -> None:
    """The first deployment makes the registry, and nothing that would wait for an image."""
    template = service(ImageTag="")
    assert template.resources("AWS::ECR::Repository") == ["Repository"]
    for kind in ("AWS::ECS::Service", "AWS::ApplicationAutoScaling", "AWS::CloudWatch"):
        assert template.resources(kind) == []
        assert service().resources(kind)


def test_the_dashboard_is_whole() -> None:
    """Its body is JSON, and no reference in it was left as it was written."""
    body = service().properties("Dashboard")["DashboardBody"]
    widgets = json.loads(body)["widgets"]
    assert len(widgets) == 5
    assert "${" not in body
    assert {metric[0] for one in widgets for metric in one["properties"].get("metrics", [])} == {
        "Sightline",
        "AWS/ECS",
        "AWS/ApplicationELB",
    }


def test_what_is_kept_can_be_made_again() -> None:
    """Nothing has a physical name that outlives the stack, and deleting the stack leaves nothing behind."""
    for name, resource in SERVICE_DOCUMENT["Resources"].items():
        assert not {"RepositoryName", "LogGroupName", "RoleName", "Name"} & resource.get("Properties", {}).keys() or (
            resource["Type"] == "AWS::IAM::RolePolicy"
        ), name
        assert resource.get("DeletionPolicy", "Delete") == "Delete"
    assert (FOLDER / "deploy.sh").stat().st_mode & 0o111
