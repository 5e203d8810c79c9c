"""FFmpeg's own WHIP muxer as a program: `python -m tests.e2e.ffmpeg_publisher URL [--profile high] [--audio]`.

PyAV carries FFmpeg's libraries, so what runs here is what `ffmpeg -f whip` runs.
"""

import argparse
import datetime as dt
import fractions
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

FPS = 30
AUDIO_HZ = 48_000
# Opus takes 20 ms at a time.
AUDIO_SAMPLES = AUDIO_HZ // 50


def main() -> None:
    """Publishes for as long as asked, and prints the number of pictures sent."""
    options = parse_options(sys.argv[1:])
    with certificate_files() as files, av.open(options.url, "w", format="whip", options=files) as container:
        video = container.add_stream(
            "libx264", rate=FPS, options={"profile": options.profile, "preset": "veryfast", "tune": "zerolatency", "g": "30"}
        )
        video.width, video.height, video.pix_fmt = 640, 480, "yuv420p"
        audio = container.add_stream("libopus", rate=AUDIO_HZ, layout="stereo") if options.audio else None
        started_s = time.monotonic()
        for number in range(round(options.seconds * FPS)):
            time.sleep(max(0.0, started_s + number / FPS - time.monotonic()))
            container.mux(video.encode(picture(number)))
            if audio is not None:
                for index in range(number * 50 // FPS, (number + 1) * 50 // FPS):
                    container.mux(audio.encode(silence(index)))
        print(round(options.seconds * FPS), flush=True)  # noqa: T201


def picture(number: int) -> av.VideoFrame:
    """A grey picture with a bar that moves."""
    pixels = np.full((480, 640, 3), 128, np.uint8)
    pixels[:, number * 5 % 600 :][:, :40] = 200
    frame = av.VideoFrame.from_ndarray(pixels, format="bgr24")
    frame.pts, frame.time_base = number, fractions.Fraction(1, FPS)
    return frame


def silence(index: int) -> av.AudioFrame:
    """Twenty milliseconds of silence."""
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 2 * AUDIO_SAMPLES), np.int16), format="s16", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = AUDIO_HZ, index * AUDIO_SAMPLES, fractions.Fraction(1, AUDIO_HZ)
    return frame


@contextmanager
def certificate_files() -> Iterator[dict[str, str]]:
    """The options that name a key and its certificate; by itself a GnuTLS build of FFmpeg makes a key that no server takes."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "publisher")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now.replace(year=now.year + 1)
    )
    certificate = builder.sign(key, hashes.SHA256())
    with tempfile.TemporaryDirectory() as folder:
        cert_file, key_file = Path(folder, "cert.pem"), Path(folder, "key.pem")
        cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        pem, plain = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, pem, plain))
        yield {"cert_file": str(cert_file), "key_file": str(key_file)}


def parse_options(arguments: list[str]) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--profile", default="baseline")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--audio", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
