"""`sightline doctor`: prints what was found, for a person or a program."""

import argparse
import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from server.commands.exit_codes import OK, PROBLEMS
from server.config.settings import Settings
from server.domain.finding import Finding
from server.web.doctor import Doctor, doctor_answer


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Examines the machine for what `serve` with the same arguments would need, and returns the exit code."""
    findings = asyncio.run(_examine(settings))
    answer = doctor_answer(findings)
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode())  # noqa: T201 - the answer, for the program
    else:
        print(report(findings))  # noqa: T201 - the answer, for the person
    return OK if answer.ok else PROBLEMS


def report(findings: Sequence[Finding]) -> str:
    """The findings as text: a sign, what it is about, a sentence, and below it what to do."""
    lines: list[str] = []
    for one in findings:
        lines.append(f"{one.sign:<5} {one.check.replace('_', ' '):<15} {one.text}")
        if one.advice:
            lines.append(f"{'':<21} -> {one.advice}")
    return "\n".join([*lines, "", _conclusion(findings)])


def _conclusion(findings: Sequence[Finding]) -> str:
    bad = sum(one.sign == "bad" for one in findings)
    warnings = sum(one.sign == "warn" for one in findings)
    if bad:
        return f"{bad} of {len(findings)} checks went wrong: see what stands behind ->."
    if warnings:
        return f"Sightline works here, with {warnings} thing{'' if warnings == 1 else 's'} to know: see what stands behind ->."
    return "Sightline works here."


async def _examine(settings: Settings) -> list[Finding]:
    with ThreadPoolExecutor(2, thread_name_prefix="io") as io:
        return await Doctor(settings, io=io).examine()
