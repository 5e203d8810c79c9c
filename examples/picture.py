#!/usr/bin/env python3
"""Checks one picture with Python's standard library alone.

python3 examples/picture.py picture.jpg --key KEY --save annotated.jpg
"""

import argparse
import json
import urllib.request
from pathlib import Path


def main() -> None:
    """Prints what was found, and saves the annotated picture where that is wanted."""
    parser = argparse.ArgumentParser(description="Check one picture.")
    parser.add_argument("picture", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:5000")
    parser.add_argument("--key", default="", help="API key")
    parser.add_argument("--save", type=Path, help="where the annotated picture goes")
    options = parser.parse_args()
    for image in json.loads(ask(options, form="json"))["images"]:
        for found in image["results"]:
            box = found["box"]
            print(f"{found['name']} {found['confidence']:.0%} {box['x1']:.0f},{box['y1']:.0f} {box['x2']:.0f},{box['y2']:.0f}")
    if options.save:
        options.save.write_bytes(ask(options, form="jpeg"))


def ask(options: argparse.Namespace, *, form: str) -> bytes:
    """The answer for the picture, as json or jpeg."""
    headers = {"Content-Type": "application/octet-stream"}
    if options.key:
        headers["Authorization"] = f"Bearer {options.key}"
    request = urllib.request.Request(f"{options.url}/predict?format={form}", options.picture.read_bytes(), headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        answer: bytes = response.read()
        return answer


if __name__ == "__main__":
    main()
