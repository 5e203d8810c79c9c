"""What the watch changes in Ultralytics' trainer."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest

from server.training.training_folder import TrainingFolder
from server.training.training_watch import Listener, TrainingWatch

pytestmark = [
    pytest.mark.extra,
    pytest.mark.skipif(importlib.util.find_spec("ultralytics") is None, reason="the ultralytics extra is not installed"),
]


@pytest.mark.parametrize(("epochs", "batches", "accumulate", "reach"), [(100, 50, 1, 500), (40, 100, 4, 100), (1, 2, 1, 0)])
def test_the_average_reaches_back_a_tenth_of_the_steps(
    tmp_path: Path, epochs: int, batches: int, accumulate: int, reach: int
) -> None:
    """Of a weight that rises by one each step, the average is behind by as many steps as it reaches back."""
    import torch  # noqa: PLC0415 - the extra
    from ultralytics.utils.torch_utils import ModelEMA  # noqa: PLC0415 - the extra

    model = torch.nn.Linear(1, 1, bias=False)
    trainer = SimpleNamespace(
        epochs=epochs,
        train_loader=range(batches),
        accumulate=accumulate,
        ema=ModelEMA(model),
        args=SimpleNamespace(time=None),
    )
    watch = TrainingWatch(TrainingFolder(tmp_path), amp=False, used_s=0.0, listener=Listener())
    watch.on_train_epoch_start(trainer)
    steps = epochs * batches // accumulate
    for step in range(1, steps + 1):
        with torch.no_grad():
            model.weight.fill_(float(step))
        trainer.ema.update(model)
    behind = steps - trainer.ema.ema.weight.item()
    assert behind == pytest.approx(reach, rel=0.15, abs=0.5)
