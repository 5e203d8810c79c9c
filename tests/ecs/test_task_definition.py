"""ecs/task-definition.json: the template's task definition, for those who deploy by other means."""

import json

from ecs import task_definition
from tests.ecs.builders import container, service


def test_the_file_is_equal_to_the_template() -> None:
    """`python -m ecs.task_definition` would change nothing."""
    assert task_definition.FILE.read_text() == task_definition.text()


def test_it_is_in_the_form_of_the_interface() -> None:
    """Keys begin small, but for those of somebody's own; every value of the environment is a text."""
    definition = json.loads(task_definition.FILE.read_text())
    (only,) = definition["containerDefinitions"]
    assert only["logConfiguration"]["options"]["awslogs-stream-prefix"] == "task"
    assert all(isinstance(one["value"], str) for one in only["environment"])
    assert len(only["environment"]) == len(container(service())["Environment"])
