"""Writes ecs/task-definition.json, the template's task definition in the form that `aws ecs register-task-definition` takes.

`python -m ecs.task_definition` after a change of service.yaml; a test keeps the two equal. It is for those who deploy by other
means than CloudFormation: what only an account knows stands in capitals and is to be replaced.
"""

import json
from typing import Any

from ecs.template import FOLDER, SERVICE, Template, load_template

FILE = FOLDER / "task-definition.json"

# What only an account knows.
PARAMETERS = {
    "VpcId": "VPC",
    "VpcCidr": "VPC_CIDR",
    "SubnetIds": ["SUBNETS"],
    "CloudFrontPrefixListId": "PREFIX_LIST",
    "ImageTag": "TAG",
}
ATTRIBUTES = {
    "AWS::AccountId": "ACCOUNT",
    "AWS::Region": "REGION",
    "AWS::Partition": "aws",
    "AWS::StackName": "sightline",
    "Repository.RepositoryUri": "REPOSITORY",
    "ExecutionRole.Arn": "EXECUTION_ROLE_ARN",
    "TaskRole.Arn": "TASK_ROLE_ARN",
    "ApiKey": "API_KEY_SECRET_ARN",
    "ClusterSecret": "CLUSTER_SECRET_ARN",
    "LogGroup": "LOG_GROUP",
}

# Their keys are names of somebody's own, not of the interface.
_FREE_KEYS = frozenset({"options", "dockerLabels"})


def interface_form(value: Any) -> Any:
    """A resource's properties as ECS' own interface spells them: `ContainerDefinitions` is `containerDefinitions` there."""
    if isinstance(value, list):
        return [interface_form(one) for one in value]
    if not isinstance(value, dict):
        return value
    renamed = {key[0].lower() + key[1:]: one for key, one in value.items()}
    return {key: one if key in _FREE_KEYS else interface_form(one) for key, one in renamed.items()}


def task_definition(template: Template) -> dict[str, Any]:
    """The task definition of a template, values of its environment as text."""
    definition: dict[str, Any] = interface_form(template.properties("TaskDefinition"))
    for container in definition["containerDefinitions"]:
        for variable in container["environment"]:
            variable["value"] = str(variable["value"])
    return definition


def text() -> str:
    """What the file holds."""
    template = Template(load_template(SERVICE), parameters=PARAMETERS, attributes=ATTRIBUTES)
    return json.dumps(task_definition(template), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
