"""GPU pictures: a whole training set in a GPU's memory, so that making batches costs no processor and no copies."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from server.domain.errors import InvalidRequest

GREY = 114
"""What Ultralytics fills the space around pictures with."""


@dataclass(frozen=True, slots=True)
class GpuPictures:
    """N pictures and their boxes as tensors on one device.

    `pixels` uint8 (N, 3, S, S), RGB, each picture at the top left, grey beside it; `sizes` float32 (N, 2), width and height;
    `boxes` float32 (N, M, 4), corners in pixels; `classes` float32 (N, M), -1 where there is no box.
    """

    pixels: Any
    sizes: Any
    boxes: Any
    classes: Any

    def __len__(self) -> int:
        return len(self.pixels)


def gpu_pictures(labels: Sequence[Mapping[str, Any]], *, longest_px: int, device: Any, workers: int) -> GpuPictures:
    """Reads the pictures of Ultralytics' `labels` (`im_file`, `cls`, `bboxes` as fractions), larger ones made smaller. Blocks.

    Uses `workers` threads. Raises InvalidRequest for a picture that cannot be read and where the memory does not suffice.
    """
    import torch  # noqa: PLC0415 - the extra

    most = max(1, *(len(one["cls"]) for one in labels))
    sizes, boxes = np.zeros((len(labels), 2), np.float32), np.zeros((len(labels), most, 4), np.float32)
    classes = np.full((len(labels), most), -1, np.float32)
    try:
        pixels = torch.full((len(labels), 3, longest_px, longest_px), GREY, dtype=torch.uint8, device=device)
    except RuntimeError as exc:
        needed = len(labels) * 3 * longest_px**2 / 1e9
        raise InvalidRequest(
            f"cache=gpu: {needed:.0f} GB do not fit into the GPU's memory; cache=ram needs none of it"
        ) from exc
    with ThreadPoolExecutor(workers) as threads:
        read = threads.map(lambda one: _read(one["im_file"], longest_px), labels)
        for number, (label, picture) in enumerate(zip(labels, read, strict=True)):
            height, width = picture.shape[1:]
            pixels[number, :, :height, :width] = torch.from_numpy(picture).to(device)
            sizes[number] = width, height
            count = len(label["cls"])
            classes[number, :count] = label["cls"].reshape(-1)
            middle, half = label["bboxes"][:, :2], label["bboxes"][:, 2:] / 2
            boxes[number, :count] = np.hstack([middle - half, middle + half]) * np.tile(sizes[number], 2)
    return GpuPictures(pixels, *(torch.from_numpy(one).to(device) for one in (sizes, boxes, classes)))


def _read(file: str, longest_px: int) -> npt.NDArray[np.uint8]:
    """The picture as (3, height, width) RGB, its longer side at most `longest_px`."""
    picture = cv2.imread(file)
    if picture is None:
        raise InvalidRequest(f"{file}: cannot be read")
    height, width = picture.shape[:2]
    scale = longest_px / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(picture[:, :, ::-1].transpose(2, 0, 1))
