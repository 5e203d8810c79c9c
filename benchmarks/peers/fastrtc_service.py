"""fastrtc as its documentation shows it: a function from picture to picture, with or without `skip_frames`.

Runs in an environment of its own: `python -m benchmarks.peers.fastrtc_service --detector-s 0.06 [--skip-frames]`. The detector
sleeps. It takes an offer as WHIP does, so that one client measures all.
"""

import argparse
import socket
import time
import uuid
from typing import Any

import cv2
import uvicorn
from fastapi import FastAPI, Request, Response
from fastrtc import Stream, VideoStreamHandler


def make_app(*, detector_s: float, skip_frames: bool) -> FastAPI:
    """The application around one stream."""

    def annotate(picture: Any) -> Any:
        time.sleep(detector_s)
        cv2.rectangle(picture, (200, 200), (400, 400), (0, 0, 255), 3)
        return picture

    stream = Stream(
        VideoStreamHandler(annotate, fps=30, skip_frames=skip_frames),
        modality="video",
        mode="send-receive",
        server_rtc_configuration={"iceServers": []},
        verbose=False,
    )

    async def offer(request: Request) -> Response:
        session = uuid.uuid4().hex
        body = {"sdp": (await request.body()).decode(), "type": "offer", "webrtc_id": session}
        answer = await stream.handle_offer(body, stream.set_additional_outputs(session))
        # What a page of fastrtc's does by itself: without its first input a stream only sends back what it gets.
        stream.set_input(session, None)
        headers = {"Location": f"/whip/{session}"}
        return Response(answer["sdp"], status_code=201, media_type="application/sdp", headers=headers)

    app = FastAPI()
    stream.mount(app)
    app.add_api_route("/whip", offer, methods=["POST"])
    return app


def main() -> None:
    """Serves on a free port, and says which."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--detector-s", type=float, required=True)
    parser.add_argument("--skip-frames", action="store_true")
    arguments = parser.parse_args()
    app = make_app(detector_s=arguments.detector_s, skip_frames=arguments.skip_frames)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(f"ready: http://127.0.0.1:{listening.getsockname()[1]}/", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])


if __name__ == "__main__":
    main()
