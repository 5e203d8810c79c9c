"""A FastAPI service as many are written: ultralytics on torch, a picture in, its detections out as JSON.

Runs in an environment of its own: `python -m benchmarks.peers.fastapi_service WEIGHTS --imgsz 640 --conf 0.4`. The handler is
a plain function, which FastAPI calls on a thread, so that the event loop goes on.
"""

import argparse
import socket
from typing import Annotated, Any

import cv2
import numpy as np
import torch
import uvicorn
from fastapi import FastAPI, File
from ultralytics import YOLO


def make_app(weights: str, *, imgsz: int, confidence: float, torch_threads: int | None) -> FastAPI:
    """The application; ultralytics lets one thread at a time into the model."""
    app, model = FastAPI(), YOLO(weights)
    model.predict(np.zeros((imgsz, imgsz, 3), np.uint8), imgsz=imgsz, conf=confidence, verbose=False)
    if torch_threads is not None:  # ultralytics sets its own number with the first picture
        torch.set_num_threads(torch_threads)

    def predict(file: Annotated[bytes, File()]) -> dict[str, Any]:
        picture = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
        result = model.predict(picture, imgsz=imgsz, conf=confidence, verbose=False)[0]
        return {"images": [{"shape": result.orig_shape, "results": result.summary(), "speed": result.speed}]}

    app.add_api_route("/predict", predict, methods=["POST"])
    return app


def main() -> None:
    """Serves on a free port, and says which."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights")
    parser.add_argument("--imgsz", type=int, required=True)
    parser.add_argument("--conf", type=float, required=True)
    parser.add_argument("--torch-threads", type=int, help="what ultralytics sets, unless given")
    arguments = parser.parse_args()
    options = {"imgsz": arguments.imgsz, "confidence": arguments.conf, "torch_threads": arguments.torch_threads}
    app = make_app(arguments.weights, **options)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(f"ready: http://127.0.0.1:{listening.getsockname()[1]}/", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])


if __name__ == "__main__":
    main()
