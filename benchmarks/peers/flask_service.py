"""A Flask service as many are written: ultralytics on torch, a picture in, the annotated picture out as PNG in base64.

Runs in an environment of its own: `python -m benchmarks.peers.flask_service WEIGHTS --imgsz 640 --conf 0.4`. `--server flask`
serves as `flask run` does, a new thread for each connection; `waitress` as one would in production, with its four threads.
OpenCV reads and writes the pictures, which is quicker than Pillow.
"""

import argparse
import base64
import socket

import cv2
import numpy as np
import torch
from flask import Flask, request
from ultralytics import YOLO
from waitress import create_server
from werkzeug.serving import make_server


def make_app(weights: str, *, imgsz: int, confidence: float, torch_threads: int | None) -> Flask:
    """The application; ultralytics lets one thread at a time into the model."""
    app, model = Flask(__name__), YOLO(weights)
    model.predict(np.zeros((imgsz, imgsz, 3), np.uint8), imgsz=imgsz, conf=confidence, verbose=False)
    if torch_threads is not None:  # ultralytics sets its own number with the first picture
        torch.set_num_threads(torch_threads)

    def predict() -> str:
        data = np.frombuffer(request.files["file"].read(), np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
        result = model.predict(picture, imgsz=imgsz, conf=confidence, verbose=False)[0]
        _, png = cv2.imencode(".png", result.plot())
        return base64.b64encode(png.tobytes()).decode()

    app.add_url_rule("/predict", view_func=predict, methods=["POST"])
    return app


def main() -> None:
    """Serves on a free port, and says which."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights")
    parser.add_argument("--imgsz", type=int, required=True)
    parser.add_argument("--conf", type=float, required=True)
    parser.add_argument("--torch-threads", type=int, help="what ultralytics sets, unless given")
    parser.add_argument("--server", choices=["flask", "waitress"], required=True)
    arguments = parser.parse_args()
    options = {"imgsz": arguments.imgsz, "confidence": arguments.conf, "torch_threads": arguments.torch_threads}
    app = make_app(arguments.weights, **options)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(f"ready: http://127.0.0.1:{listening.getsockname()[1]}/", flush=True)
        if arguments.server == "waitress":
            create_server(app, sockets=[listening]).run()
        else:
            make_server("127.0.0.1", 0, app, threaded=True, fd=listening.fileno()).serve_forever()


if __name__ == "__main__":
    main()
