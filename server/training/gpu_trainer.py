"""GPU trainer: Ultralytics' trainer with batches that are made on the GPU (`cache = "gpu"` in a recipe)."""

from collections.abc import Iterator, Sequence, Sized
from pathlib import Path
from typing import Any

from server.inference.processors import available_processors
from server.training.gpu_augment import GpuAugment, Strength
from server.training.gpu_pictures import gpu_pictures
from server.training.teachers import load_teachers, taught_loss

GPU = "gpu"
"""The value of `cache` in a recipe that asks for this trainer."""

_STRIDE = 32


class GpuLoader:
    """What Ultralytics' trainer wants of a loader of batches; `clean` adds the pictures before they were made worse."""

    num_workers = 0
    drop_last = True

    def __init__(
        self, dataset: Any, *, augment: GpuAugment, device: Any, batch_size: int, sides: list[int], clean: bool
    ) -> None:
        self.dataset = dataset
        self.sampler: Sized = range(len(dataset))
        self.batch_size = min(batch_size, len(dataset))
        self._augment = augment
        self._device = device
        self._sides = sides
        self._clean = clean

    def __len__(self) -> int:
        return len(self.dataset) // self.batch_size

    def __iter__(self) -> Iterator[dict[str, Any]]:
        import torch  # noqa: PLC0415 - the extra

        order = torch.randperm(len(self.dataset), device=self._device)
        for numbers in order.split(self.batch_size)[: len(self)]:
            side = self._sides[int(torch.randint(len(self._sides), ()))]
            yield self._augment.batch(numbers, side=side, mosaic=self.dataset.mosaic, clean=self._clean)

    def reset(self) -> None:
        """Ultralytics says this after closing the mosaic; nothing is read ahead here."""


def gpu_trainer(teachers: Sequence[Path] = ()) -> Any:
    """The class of the trainer, which learns from the weights in these files, too."""
    from ultralytics.models.yolo.detect import DetectionTrainer  # noqa: PLC0415 - the extra
    from ultralytics.utils.torch_utils import unwrap_model  # noqa: PLC0415 - the extra

    class GpuTrainer(DetectionTrainer):  # type: ignore[misc, unused-ignore]
        """Reads the training pictures once; validates as ever."""

        def set_model_attributes(self) -> None:
            """The model is there, and the pictures are not yet: teachers that do not fit it are refused."""
            super().set_model_attributes()
            if teachers:
                self.teachers = load_teachers(teachers, student=self.model, mirrored=self.args.fliplr)

        def _setup_train(self) -> None:
            """Ultralytics makes the loss of a model that has none yet."""
            super()._setup_train()
            if teachers:
                model = unwrap_model(self.model)
                model.criterion = taught_loss(model, self.teachers)

        def get_dataloader(self, dataset_path: str, **how: Any) -> Any:
            """Batches of training pictures from the GPU, others as ever; `how` names `mode`, `batch_size` and `rank`."""
            if how["mode"] != "train":
                return super().get_dataloader(dataset_path, **how)
            dataset = self.build_dataset(dataset_path, "train", how["batch_size"])
            dataset.mosaic, dataset.close_mosaic = True, lambda hyp: None
            args = self.args
            longest = min(args.imgsz, max(max(one["shape"]) for one in dataset.labels))
            pictures = gpu_pictures(dataset.labels, longest_px=longest, device=self.device, workers=available_processors())
            names = ("mosaic", "scale", "translate", "degrees", "fliplr", "hsv_h", "hsv_s", "hsv_v", "mixup")
            augment = GpuAugment(pictures, Strength(**{name: getattr(args, name) for name in names}))
            sides = _sides(args.imgsz, args.multi_scale)
            size, clean = how["batch_size"], bool(teachers)
            return GpuLoader(dataset, augment=augment, device=self.device, batch_size=size, sides=sides, clean=clean)

        def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
            """Batches of the loader above are ready."""
            return batch

    return GpuTrainer


def _sides(imgsz: int, multi_scale: float) -> list[int]:
    """Input sizes around `imgsz`: few, because cuDNN looks for the quickest way anew for each."""
    reach = int(imgsz * multi_scale) // (2 * _STRIDE) * (2 * _STRIDE)
    return list(range(imgsz - reach, imgsz + reach + 1, 2 * _STRIDE))
