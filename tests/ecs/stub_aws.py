#!/usr/bin/env python3
"""Stands in for the `aws` command: keeps an account's stacks and images in $STUB_STATE, and writes each call into $STUB_CALLS.

It knows what ecs/deploy.sh asks, and refuses everything else, so that a new call of the script is noticed.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

STATE = Path(os.environ["STUB_STATE"])
ARGUMENTS = sys.argv[1:]


def main() -> None:
    """Answers one call."""
    with Path(os.environ["STUB_CALLS"]).open("a") as calls:
        calls.write(json.dumps(["aws", *ARGUMENTS]) + "\n")
    state = json.loads(STATE.read_text())
    answer = _ec2() if ARGUMENTS[0] == "ec2" else _answer(state)
    STATE.write_text(json.dumps(state))
    if answer:
        print(answer)  # noqa: T201 - the answer, for the script


def _answer(state: dict[str, Any]) -> str:  # noqa: C901, PLR0911 - one for each call
    match ARGUMENTS[:2]:
        case ["cloudformation", "describe-stacks"]:
            return _describe(state)
        case ["cloudformation", "deploy"]:
            parameters = dict(one.split("=", 1) for one in _after("--parameter-overrides"))
            state["stacks"].setdefault(_option("--stack-name"), {}).update(parameters)
            return "Successfully created/updated stack"
        case ["cloudformation", "delete-stack"]:
            state["stacks"].pop(_option("--stack-name"))
            return ""
        case ["iam", "get-role"]:
            if _option("--role-name") not in state["roles"]:
                sys.exit("NoSuchEntity")
            return "{}"
        case ["ecr", "describe-images"]:
            if _option("--image-ids").removeprefix("imageTag=") not in state["images"]:
                sys.exit("ImageNotFoundException")
            return "{}"
        case ["ecr", "get-login-password"]:
            return "the-password-of-the-registry"
        case ["secretsmanager", "get-secret-value"]:
            return f"secret of {_option('--secret-id')}"
        case ["cloudformation", "wait"] | ["iam", "create-service-linked-role"] | ["s3", "sync"] | ["s3", "rm"]:
            return ""
    sys.exit(f"the stub knows no {ARGUMENTS[:2]}")


def _ec2() -> str:
    if ARGUMENTS[1] == "describe-vpcs":
        return "10.0.0.0/16" if "--vpc-ids" in ARGUMENTS else os.environ.get("STUB_VPC", "vpc-1")
    if ARGUMENTS[1] == "describe-subnets":
        return "subnet-1\tsubnet-2"
    return "pl-3b927c52"


def _describe(state: dict[str, Any]) -> str:
    name, query = _option("--stack-name"), _option("--query")
    if os.environ.get("STUB_TROUBLE"):
        sys.exit(os.environ["STUB_TROUBLE"])
    if name not in state["stacks"]:
        sys.exit(f"An error occurred (ValidationError): Stack with id {name} does not exist")
    if "StackStatus" in query:
        return str(state.get("status", "UPDATE_COMPLETE"))
    if "Parameters" in query:
        origin = str(state["stacks"][name].get("OriginName", "None"))
        return "None" if origin.endswith(".elb.amazonaws.com") else origin
    outputs = {
        "RepositoryName": "repository",
        "RepositoryUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/repository",
        "LoadBalancerName": "balancer.us-east-1.elb.amazonaws.com",
        "OriginSecretArn": "arn:origin-secret",
        "ApiKeyArn": "arn:api-key",
        "BucketName": "bucket",
        "LogGroupName": "log",
        "Url": os.environ.get("STUB_URL", "None"),
    }
    return outputs[query.split("'")[1]]


def _option(name: str) -> str:
    return ARGUMENTS[ARGUMENTS.index(name) + 1]


def _after(name: str) -> list[str]:
    return ARGUMENTS[ARGUMENTS.index(name) + 1 :]


if __name__ == "__main__":
    main()
