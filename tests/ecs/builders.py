"""The templates with the parameters of an account that does not exist."""

from typing import Any

from ecs.template import SERVICE, SITE, Template, load_template

ACCOUNT = "123456789012"
SERVICE_DOCUMENT = load_template(SERVICE)
SITE_DOCUMENT = load_template(SITE)
WHERE = {
    "VpcId": "vpc-12345678",
    "VpcCidr": "10.0.0.0/16",
    "SubnetIds": ["subnet-11111111", "subnet-22222222"],
    "CloudFrontPrefixListId": "pl-3b927c52",
    "ImageTag": "0123456789ab",
}
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": "us-east-1",
    "AWS::Partition": "aws",
    "AWS::StackName": "sightline",
}


def service(**parameters: Any) -> Template:
    """ecs/service.yaml as it is deployed with an image, other parameters as named."""
    return Template(SERVICE_DOCUMENT, parameters={**WHERE, **parameters}, attributes=PSEUDO)


def site(**parameters: Any) -> Template:
    """ecs/site.yaml as it is deployed."""
    origin = {
        "OriginName": "sightline-1.us-east-1.elb.amazonaws.com",
        "OriginSecretArn": f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:OriginSecret",
    }
    return Template(SITE_DOCUMENT, parameters={**origin, **parameters}, attributes=PSEUDO)


def container(template: Template) -> dict[str, Any]:
    """The one container of the task definition."""
    (only,) = template.properties("TaskDefinition")["ContainerDefinitions"]
    return dict(only)


def environment(template: Template) -> dict[str, str]:
    """The variables that the container gets, without secrets."""
    return {one["Name"]: str(one["Value"]) for one in container(template)["Environment"]}
