"""The templates' resources registered through the calls that CloudFormation would make, in an account of moto's."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from ecs.task_definition import interface_form, task_definition
from ecs.template import Template
from tests.ecs.builders import PSEUDO, SERVICE_DOCUMENT, WHERE

REGION = "us-east-1"


class Account:
    """An account with the network and the secrets that the template refers to; it knows what was registered."""

    def __init__(self) -> None:
        ec2 = boto3.client("ec2", region_name=REGION)
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
            for number, zone in enumerate(("us-east-1a", "us-east-1b"))
        ]
        prefixes = ec2.create_managed_prefix_list(PrefixListName="cloudfront", MaxEntries=1, AddressFamily="IPv4")
        where = {
            **WHERE,
            "VpcId": vpc,
            "SubnetIds": subnets,
            "CloudFrontPrefixListId": prefixes["PrefixList"]["PrefixListId"],
        }
        self.template = Template(SERVICE_DOCUMENT, parameters=where, attributes=PSEUDO)
        self.ec2 = ec2

    def know(self, name: str, value: str) -> None:
        """What a reference yields from now on: the id or ARN of a registered resource."""
        self.template.attributes[name] = value

    def properties(self, name: str) -> dict[str, Any]:
        """A resource's properties, with what is registered by now."""
        return self.template.properties(name)

    def make_group(self, name: str) -> None:
        """A security group with its rules."""
        asked = self.properties(name)
        group = self.ec2.create_security_group(GroupName=name, Description=asked["GroupDescription"], VpcId=asked["VpcId"])[
            "GroupId"
        ]
        self.know(name, group)
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=_rules(asked["SecurityGroupIngress"]))
        # A new group lets everything out; CloudFormation takes that rule away where a template has one of its own.
        everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        self.ec2.revoke_security_group_egress(GroupId=group, IpPermissions=everything)
        self.ec2.authorize_security_group_egress(GroupId=group, IpPermissions=_rules(asked["SecurityGroupEgress"]))

    def make_balancer(self) -> None:
        """The load balancer, its target group, its listener and the listener's rules."""
        elb = boto3.client("elbv2", region_name=REGION)
        asked = self.properties("LoadBalancer")
        attributes = asked.pop("LoadBalancerAttributes")
        balancer = elb.create_load_balancer(Name="sightline", **asked)["LoadBalancers"][0]["LoadBalancerArn"]
        elb.modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=attributes)
        self.know("LoadBalancer", balancer)
        asked = self.properties("TargetGroup")
        attributes = asked.pop("TargetGroupAttributes")
        group = elb.create_target_group(Name="sightline", **asked)["TargetGroups"][0]["TargetGroupArn"]
        elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=attributes)
        self.know("TargetGroup", group)
        self.know("Listener", elb.create_listener(**self.properties("Listener"))["Listeners"][0]["ListenerArn"])
        for name in ("NoMetrics", "FromOurDistribution"):
            elb.create_rule(**self.properties(name))

    def make_stores(self) -> None:
        """The registry, the log and the secrets."""
        ecr = boto3.client("ecr", region_name=REGION)
        asked = interface_form(self.properties("Repository"))
        kept = {key: asked[key] for key in ("imageTagMutability", "imageScanningConfiguration", "encryptionConfiguration")}
        repository = ecr.create_repository(repositoryName="sightline", **kept)["repository"]
        self.know("Repository.Arn", repository["repositoryArn"])
        self.know("Repository.RepositoryUri", repository["repositoryUri"])
        ecr.put_lifecycle_policy(repositoryName="sightline", **asked["lifecyclePolicy"])
        logs = boto3.client("logs", region_name=REGION)
        logs.create_log_group(logGroupName="sightline")
        logs.put_retention_policy(logGroupName="sightline", retentionInDays=self.properties("LogGroup")["RetentionInDays"])
        self.know("LogGroup", "sightline")
        self.know("LogGroup.Arn", logs.describe_log_groups()["logGroups"][0]["arn"])
        secrets = boto3.client("secretsmanager", region_name=REGION)
        for name in self.template.resources("AWS::SecretsManager::Secret"):
            asked = self.properties(name)
            generated = secrets.get_random_password(**asked["GenerateSecretString"])["RandomPassword"]
            made = secrets.create_secret(Name=name, Description=asked["Description"], SecretString=generated)
            self.know(name, made["ARN"])

    def make_roles(self) -> None:
        """The roles with the policies within them."""
        iam = boto3.client("iam", region_name=REGION)
        for name in ("ExecutionRole", "TaskRole"):
            asked = self.properties(name)
            trust = json.dumps(asked["AssumeRolePolicyDocument"])
            role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Description=asked["Description"])["Role"]
            self.know(f"{name}.Arn", role["Arn"])
            for policy in asked["Policies"]:
                text = json.dumps(policy["PolicyDocument"])
                iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=text)

    def make_service(self) -> dict[str, Any]:
        """Cluster, task definition and service; the answer to the last."""
        ecs = boto3.client("ecs", region_name=REGION)
        cluster = ecs.create_cluster(clusterName="sightline", **interface_form(self.properties("Cluster")))["cluster"]
        self.know("Cluster", cluster["clusterName"])
        registered = ecs.register_task_definition(**task_definition(self.template))["taskDefinition"]
        self.know("TaskDefinition", registered["taskDefinitionArn"])
        asked = interface_form(self.properties("Service"))
        service: dict[str, Any] = ecs.create_service(serviceName="sightline", desiredCount=1, **asked)["service"]
        self.know("Service.Name", service["serviceName"])
        return service


def _rules(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rules as EC2's own interface takes them."""
    return [
        {
            "IpProtocol": rule["IpProtocol"],
            **{key: int(rule[key]) for key in ("FromPort", "ToPort") if key in rule},
            **({"IpRanges": [{"CidrIp": rule["CidrIp"]}]} if "CidrIp" in rule else {}),
            **({"PrefixListIds": [{"PrefixListId": rule["SourcePrefixListId"]}]} if "SourcePrefixListId" in rule else {}),
            **({"UserIdGroupPairs": [{"GroupId": peer}]} if (peer := _peer(rule)) else {}),
        }
        for rule in rules
    ]


def _peer(rule: dict[str, Any]) -> str | None:
    """The group at the other end of a rule, if it is one."""
    return rule.get("SourceSecurityGroupId") or rule.get("DestinationSecurityGroupId")


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account of moto's, with security groups, load balancer and roles."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        account = Account()
        for name in ("LoadBalancerGroup", "TaskGroup"):
            account.make_group(name)
        account.make_stores()
        account.make_balancer()
        account.make_roles()
        yield account


def test_the_network_takes_the_rules(account: Account) -> None:
    """Both groups exist with their rules, and the four rules between them are taken."""
    for name in ("TasksFromLoadBalancer", "TasksFromTasks"):
        rule = account.properties(name)
        account.ec2.authorize_security_group_ingress(GroupId=rule["GroupId"], IpPermissions=_rules([rule]))
    for name in ("LoadBalancerToTasks", "TasksToTasks"):
        rule = account.properties(name)
        account.ec2.authorize_security_group_egress(GroupId=rule["GroupId"], IpPermissions=_rules([rule]))
    groups = account.ec2.describe_security_groups(GroupIds=[account.template.attributes["TaskGroup"]])["SecurityGroups"]
    opened = {(one["IpProtocol"], one["FromPort"], one["ToPort"]) for one in groups[0]["IpPermissions"]}
    assert opened == {("udp", 50000, 50999), ("tcp", 5000, 5000)}


def test_the_load_balancer_takes_its_parts(account: Account) -> None:
    """Target group, listener and rules are registered, and the rules are asked in their order."""
    elb = boto3.client("elbv2", region_name=REGION)
    (group,) = elb.describe_target_groups()["TargetGroups"]
    assert (group["TargetType"], group["Port"], group["HealthCheckPath"]) == ("ip", 5000, "/readyz")
    rules = elb.describe_rules(ListenerArn=account.template.attributes["Listener"])["Rules"]
    assert [(one["Priority"], one["Actions"][0]["Type"]) for one in rules] == [
        ("1", "fixed-response"),
        ("2", "forward"),
        ("default", "fixed-response"),
    ]


def test_the_roles_are_taken(account: Account) -> None:
    """IAM takes the policies, and ECS' tasks may take the roles."""
    iam = boto3.client("iam", region_name=REGION)
    trust = iam.get_role(RoleName="TaskRole")["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0]["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert iam.list_role_policies(RoleName="ExecutionRole")["PolicyNames"] == ["start"]
    assert account.template.attributes["TaskRole.Arn"].endswith("role/TaskRole")


def test_iam_refuses_what_is_no_policy(account: Account) -> None:
    """An action without its service's name is refused: moto does look into policies."""
    wrong = account.properties("TaskRole")["Policies"][0]["PolicyDocument"]
    wrong["Statement"][0]["Action"] = "UpdateTaskProtection"
    with pytest.raises(ClientError, match="MalformedPolicyDocument"):
        boto3.client("iam", region_name=REGION).put_role_policy(
            RoleName="TaskRole", PolicyName="wrong", PolicyDocument=json.dumps(wrong)
        )


def test_ecs_takes_the_service(account: Account) -> None:
    """Cluster, task definition and service are registered as they stand in the template."""
    service = account.make_service()
    assert service["loadBalancers"][0]["containerPort"] == 5000
    ecs = boto3.client("ecs", region_name=REGION)
    (family,) = ecs.list_task_definition_families()["families"]
    registered = ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]
    assert registered["networkMode"] == "awsvpc"
    assert registered["containerDefinitions"][0]["systemControls"] == [
        {"namespace": "net.ipv4.ip_local_port_range", "value": "50000 50999"}
    ]


def test_scaling_takes_its_policies(account: Account) -> None:
    """The service is a target of scaling, with both policies."""
    account.make_service()
    scaling = boto3.client("application-autoscaling", region_name=REGION)
    target = account.properties("ScalableTarget")
    scaling.register_scalable_target(**target)
    named = {key: target[key] for key in ("ServiceNamespace", "ScalableDimension", "ResourceId")}
    for name in ("ScaleOnProcessor", "ScaleOnStreams"):
        policy = account.properties(name)
        del policy["ScalingTargetId"]
        scaling.put_scaling_policy(**named, **policy)
    policies = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    assert {one["PolicyName"]: one["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] for one in policies} == {
        "processor": 90.0,
        "streams": 2.0,
    }


def test_alarms_and_dashboard_are_taken(account: Account) -> None:
    """Each alarm of the template is registered, and the dashboard has its body."""
    account.make_service()
    account.know("Alarms", boto3.client("sns", region_name=REGION).create_topic(Name="sightline")["TopicArn"])
    cloudwatch = boto3.client("cloudwatch", region_name=REGION)
    alarms = account.template.resources("AWS::CloudWatch::Alarm")
    for name in alarms:
        cloudwatch.put_metric_alarm(AlarmName=name, **account.properties(name))
    assert {one["AlarmName"] for one in cloudwatch.describe_alarms()["MetricAlarms"]} == set(alarms)
    cloudwatch.put_dashboard(**account.properties("Dashboard"))
    assert "ActiveStreams" in cloudwatch.get_dashboard(DashboardName="sightline")["DashboardBody"]


def test_the_registry_the_log_and_the_secrets_are_taken(account: Account) -> None:
    """ECR takes the life cycle of images, the log its days, and generated secrets are as long as the server wants them."""
    ecr = boto3.client("ecr", region_name=REGION)
    policy = json.loads(ecr.get_lifecycle_policy(repositoryName="sightline")["lifecyclePolicyText"])
    assert policy["rules"][0]["selection"]["countNumber"] == 10
    logs = boto3.client("logs", region_name=REGION)
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 30
    secrets = boto3.client("secretsmanager", region_name=REGION)
    for name in ("ApiKey", "ClusterSecret", "OriginSecret"):
        value = secrets.get_secret_value(SecretId=account.template.attributes[name])["SecretString"]
        assert len(value) >= 40
        assert value.isalnum()
