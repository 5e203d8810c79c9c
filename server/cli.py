"""The command line: `sightline COMMAND`, also as `python -m server`."""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from server.commands.average_arguments import add_average_arguments
from server.commands.compose_arguments import add_compose_arguments
from server.commands.detect_arguments import add_detect_arguments
from server.commands.evaluate_arguments import add_evaluate_arguments
from server.commands.exit_codes import OK, USAGE_ERROR
from server.commands.export_arguments import add_export_arguments
from server.commands.keys_arguments import add_keys_arguments
from server.commands.replay_arguments import add_replay_arguments
from server.commands.train_arguments import add_train_arguments
from server.config.load import Layer, load_settings
from server.config.settings import Settings
from server.domain.errors import InvalidRequest, ModelError, SettingsError
from server.logs import configure_logging
from server.resources import version

# Flag, section and key of the setting that it sets, and help.
MODEL_FLAGS = (
    ("--model", "model", "path", "model folder, .onnx, .xml or .pt file"),
    ("--backend", "model", "backend", "auto, openvino or ultralytics"),
    ("--conf", "model", "confidence", "default confidence, 0 to 1"),
    ("--imgsz", "model", "imgsz", "longest side of the detector's input in pixels, a multiple of 32"),
    ("--precision", "model", "precision", "auto, f32, bf16 or int8"),
)
SERVE_FLAGS = (
    ("--host", "server", "host", "address to listen on"),
    ("--port", "server", "port", "TCP port, 0 picks a free one"),
    ("--data-dir", "server", "data_dir", "folder for what the server keeps between starts"),
    *MODEL_FLAGS,
    ("--max-sessions", "live", "max_sessions", "most live sessions at once; what was measured may allow fewer"),
    ("--public-address", "webrtc", "public_address", "address to announce behind a 1:1 NAT"),
    ("--log-level", "log", "level", "debug, info, warning or error"),
    ("--log-format", "log", "format", "text or json"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code, one of `server.commands.exit_codes`."""
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except (InvalidRequest, ModelError, SettingsError) as exc:
        print(f"sightline: {exc}", file=sys.stderr)  # noqa: T201 - the answer to the person at the terminal
        return USAGE_ERROR
    return code


def serve(arguments: argparse.Namespace) -> int:
    """Serves until SIGTERM or Ctrl-C."""
    # Imported here so that `sightline export` and `--help` need none of the server's libraries.
    from server.web.garbage import put_off_collections  # noqa: PLC0415

    with put_off_collections():
        from server.web.runner import run_server  # noqa: PLC0415

        settings = _settings(arguments)
        configure_logging(level=settings.log.level, json_lines=settings.log.format == "json")
        announce = partial(print, flush=True)  # the address, for the person or the script
        run_server(settings, environ=os.environ, announce=announce)
    return OK


def detect(arguments: argparse.Namespace) -> int:
    """Checks pictures and videos in files and folders."""
    from server.commands.detect import run  # noqa: PLC0415 - likewise

    configure_logging(level="warning", json_lines=False)
    return run(_settings(arguments), arguments)


def doctor(arguments: argparse.Namespace) -> int:
    """Says what keeps the server from working well here."""
    from server.commands.doctor import run  # noqa: PLC0415 - likewise

    configure_logging(level="error", json_lines=False)
    return run(_settings(arguments), arguments)


def keys(arguments: argparse.Namespace) -> int:
    """Makes, lists and revokes named keys."""
    from server.commands.keys import run  # noqa: PLC0415 - likewise

    return run(_settings(arguments), arguments)


def compose(arguments: argparse.Namespace) -> int:
    """Makes a larger training set from a labelled one."""
    from server.commands.compose import run  # noqa: PLC0415 - needs PyYAML, which the extras bring

    configure_logging(level="warning", json_lines=False)
    return run(arguments)


def train(arguments: argparse.Namespace) -> int:
    """Trains a model on labelled pictures."""
    from server.commands.train import run  # noqa: PLC0415 - needs the ultralytics extra

    configure_logging(level="warning", json_lines=False)
    return run(_settings(arguments), arguments)


def average(arguments: argparse.Namespace) -> int:
    """Makes one model of several of one training."""
    from server.commands.average import run  # noqa: PLC0415 - needs the ultralytics extra

    configure_logging(level="info", json_lines=False)
    return run(arguments)


def export(arguments: argparse.Namespace) -> int:
    """Exports `.pt` weights to what is served, and prints where it is."""
    from server.commands.export import run  # noqa: PLC0415 - needs the ultralytics extra

    configure_logging(level="info", json_lines=False)
    return run(arguments)


def evaluate(arguments: argparse.Namespace) -> int:
    """Says how good a model is on labelled pictures and on clips."""
    from server.commands.evaluate import run  # noqa: PLC0415 - needs the evaluate extra

    configure_logging(level="warning", json_lines=False)
    return run(_settings(arguments), arguments)


def replay(arguments: argparse.Namespace) -> int:
    """Says which alerts recorded video would have made."""
    from server.commands.replay import run  # noqa: PLC0415 - likewise

    configure_logging(level="warning", json_lines=False)
    return run(_settings(arguments), arguments)


def _settings(arguments: argparse.Namespace) -> Settings:
    flags: Layer = {}
    for flag, section, key, _ in SERVE_FLAGS:
        value = getattr(arguments, flag.removeprefix("--").replace("-", "_"), None)
        if value is not None:
            flags.setdefault(section, {})[key] = value
    if getattr(arguments, "insecure", False):
        flags.setdefault("auth", {})["insecure"] = True
    file = arguments.config or os.environ.get("SIGHTLINE_CONFIG")
    return load_settings(file=Path(file) if file else None, environ=os.environ, flags=flags)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sightline", description="Real-time detection on live video.")
    parser.add_argument("--version", action="version", version=f"sightline {version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serving = commands.add_parser("serve", help="serve the page, live video and pictures")
    _add_serve_flags(serving)
    serving.set_defaults(run=serve)

    detecting = commands.add_parser("detect", help="check pictures and videos in files and folders")
    add_detect_arguments(detecting)
    _add_setting_flags(detecting, MODEL_FLAGS)
    detecting.set_defaults(run=detect)

    examining = commands.add_parser("doctor", help="say what keeps the server from working well here")
    examining.add_argument("--json", action="store_true", help="the findings as JSON")
    _add_serve_flags(examining)
    examining.set_defaults(run=doctor)

    granting = commands.add_parser("keys", help="make, list and revoke the keys that open the server")
    for action in add_keys_arguments(granting):
        _add_setting_flags(action, tuple(flag for flag in SERVE_FLAGS if flag[0] == "--data-dir"))
    granting.set_defaults(run=keys)

    _add_model_commands(commands)
    return parser


def _add_model_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Those that make a model, and those that say how good one is."""
    composing = commands.add_parser("compose", help="make a larger training set from a labelled one")
    add_compose_arguments(composing)
    composing.set_defaults(run=compose)

    training = commands.add_parser("train", help="train a model on labelled pictures")
    add_train_arguments(training)
    _add_setting_flags(training, ())
    training.set_defaults(run=train)

    averaging = commands.add_parser("average", help="make one model of several of one training")
    add_average_arguments(averaging)
    averaging.set_defaults(run=average)

    exporting = commands.add_parser("export", help="turn .pt weights into what is served, beside the file")
    add_export_arguments(exporting)
    exporting.set_defaults(run=export)

    evaluating = commands.add_parser("evaluate", help="say how good a model is on labelled pictures and on clips")
    add_evaluate_arguments(evaluating)
    # It takes several input sizes, where a setting has one.
    _add_setting_flags(evaluating, tuple(flag for flag in MODEL_FLAGS if flag[0] != "--imgsz"))
    evaluating.set_defaults(run=evaluate)

    replaying = commands.add_parser("replay", help="say which alerts recorded video would have made")
    add_replay_arguments(replaying)
    _add_setting_flags(replaying, MODEL_FLAGS)
    replaying.set_defaults(run=replay)


def _add_serve_flags(parser: argparse.ArgumentParser) -> None:
    _add_setting_flags(parser, SERVE_FLAGS)
    parser.add_argument("--insecure", action="store_true", help="serve everybody, without a key, on any address")


def _add_setting_flags(parser: argparse.ArgumentParser, flags: tuple[tuple[str, str, str, str], ...]) -> None:
    for flag, _, _, text in flags:
        parser.add_argument(flag, help=text)
    parser.add_argument("--config", help="settings file in TOML (also SIGHTLINE_CONFIG)")
