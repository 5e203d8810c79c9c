"""The command line: `sightline serve | export`, also as `python -m server`."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from server.config import Layer, Settings, load_settings
from server.domain.errors import ModelError, SettingsError
from server.logs import configure_logging
from server.resources import version

USAGE_ERROR = 2

# Flag, section and key of the setting that it sets, and help.
SERVE_FLAGS = (
    ("--host", "server", "host", "address to listen on"),
    ("--port", "server", "port", "TCP port, 0 picks a free one"),
    ("--data-dir", "server", "data_dir", "folder for what the server keeps between starts"),
    ("--model", "model", "path", "model folder, .onnx, .xml or .pt file"),
    ("--backend", "model", "backend", "auto, openvino or ultralytics"),
    ("--conf", "model", "confidence", "default confidence, 0 to 1"),
    ("--imgsz", "model", "imgsz", "longest side of the detector's input in pixels, a multiple of 32"),
    ("--precision", "model", "precision", "auto, f32 or bf16"),
    ("--max-sessions", "live", "max_sessions", "live sessions at once"),
    ("--public-address", "webrtc", "public_address", "address to announce behind a 1:1 NAT"),
    ("--log-level", "log", "level", "debug, info, warning or error"),
    ("--log-format", "log", "format", "text or json"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0, or 2 for settings, models and arguments that cannot be used."""
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except (ModelError, SettingsError) as exc:
        print(f"sightline: {exc}", file=sys.stderr)  # noqa: T201 - the answer to the person at the terminal
        return USAGE_ERROR
    return code


def serve(arguments: argparse.Namespace) -> int:
    """Serves until SIGTERM or Ctrl-C."""
    # Imported here so that `sightline export` and `--help` need none of the server's libraries.
    from server.web.runner import run_server  # noqa: PLC0415

    settings = _settings(arguments)
    configure_logging(level=settings.log.level, json_lines=settings.log.format == "json")
    run_server(settings, announce=lambda line: print(line, flush=True))  # noqa: T201 - the address, for the person or the script
    return 0


def export(arguments: argparse.Namespace) -> int:
    """Exports `.pt` weights to what is served, and prints where it is."""
    from server.training.export import export_model  # noqa: PLC0415 - needs the ultralytics extra

    configure_logging(level="info", json_lines=False)
    print(export_model(Path(arguments.weights)))  # noqa: T201 - the result, for the shell
    return 0


def _settings(arguments: argparse.Namespace) -> Settings:
    flags: Layer = {}
    for flag, section, key, _ in SERVE_FLAGS:
        value = getattr(arguments, flag.removeprefix("--").replace("-", "_"))
        if value is not None:
            flags.setdefault(section, {})[key] = value
    if arguments.insecure:
        flags.setdefault("auth", {})["insecure"] = True
    file = arguments.config or os.environ.get("SIGHTLINE_CONFIG")
    return load_settings(file=Path(file) if file else None, environ=os.environ, flags=flags)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sightline", description="Real-time detection on live video.")
    parser.add_argument("--version", action="version", version=f"sightline {version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serving = commands.add_parser("serve", help="serve the page, live video and pictures")
    for flag, _, _, text in SERVE_FLAGS:
        serving.add_argument(flag, help=text)
    serving.add_argument("--insecure", action="store_true", help="serve everybody, without a key, on any address")
    serving.add_argument("--config", help="settings file in TOML (also SIGHTLINE_CONFIG)")
    serving.set_defaults(run=serve)

    exporting = commands.add_parser("export", help="turn .pt weights into what is served, beside the file")
    exporting.add_argument("weights", help=".pt file of an ultralytics detector")
    exporting.set_defaults(run=export)
    return parser
