"""MJPEG: JPEG pictures in one answer, each replacing the one before."""

BOUNDARY = "sightline-picture"
CONTENT_TYPE = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
BEGIN = f"--{BOUNDARY}\r\n".encode()


def part(file: bytes) -> bytes:
    """One picture with the boundary behind it, at whose sight a browser shows it (RFC 2046, section 5.1.1)."""
    headers = f"Content-Type: image/jpeg\r\nContent-Length: {len(file)}\r\n\r\n"
    return b"".join([headers.encode(), file, f"\r\n--{BOUNDARY}\r\n".encode()])
