"""Access checks: whether the server can listen, who may use it, and whether the page gets the camera."""

import errno
import socket

from server.config.settings import Settings
from server.domain.errors import SettingsError
from server.domain.finding import Finding
from server.web.credentials import configured_keys, is_loopback
from server.web.generated_key import generated_key_path
from server.web.key_file import key_file


def check_tcp_port(host: str, port: int) -> Finding:
    """Whether the server could listen there now. Blocks for a moment."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family):
            pass
    except OSError as exc:
        text = f"The server cannot listen on {host} port {port}: {(exc.strerror or str(exc)).lower()}."
        if exc.errno == errno.EADDRINUSE:
            return Finding(
                "tcp_port", "bad", text, "End what uses the port, perhaps this server itself, or choose another: --port."
            )
        if exc.errno == errno.EACCES:
            return Finding("tcp_port", "bad", text, "Choose a port above 1023: --port.")
        return Finding("tcp_port", "bad", text, "Choose an address of this machine: --host.")
    return Finding("tcp_port", "ok", f"The server can listen on {host} port {port or 'of its choice'}.")


def check_https(host: str) -> Finding:
    """Whether a browser gives its camera to the page."""
    if is_loopback(host):
        return Finding("https", "ok", "Pages of this machine get the camera without https.")
    text = "Browsers give the camera to https pages only, and this server speaks http."
    advice = "Put a proxy with a certificate in front. Pictures, OBS and other publishers need none."
    return Finding("https", "warn", text, advice)


def check_access(settings: Settings) -> Finding:
    """Who may use the server. Reads files."""
    host, file = settings.server.host, key_file(settings)
    try:
        keys = (*configured_keys(settings), *file.entries())
    except SettingsError as exc:
        return Finding("access", "bad", f"The API keys cannot be used: {exc}.", "Correct auth.api_keys or auth.api_keys_file.")
    if keys:
        return Finding("access", "ok", f"{len(keys)} API {'key is' if len(keys) == 1 else 'keys are'} set.")
    asked = file.path.exists() and not settings.auth.insecure
    if is_loopback(host) and not asked:
        return Finding("access", "ok", "No key is set; only this machine reaches the server.")
    if settings.auth.insecure:
        text = f"Everybody who reaches {host} may watch and send: auth.insecure is on."
        return Finding("access", "warn", text, "Set auth.api_keys, unless a proxy in front asks who is there.")
    made = generated_key_path(settings).exists()
    if asked and (is_loopback(host) or not made):
        return Finding("access", "warn", "The last key is revoked: nobody gets in.", "Make one: sightline keys add NAME.")
    text = "was made at the first start" if made else "is made at the first start"
    return Finding("access", "ok", f"No key is set: one {text}, which may do everything.")
