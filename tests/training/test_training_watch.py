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


@pytest.mark.parametrize("steps", [10, 500, 5000])
def test_the_average_reaches_back_a_fifth_of_the_steps(tmp_path: Path, steps: int) -> None:
    """Of a weight that rises by one each step, the average is behind by as many steps as it reaches back."""
    import torch  # noqa: PLC0415 - the extra
    from ultralytics.utils.torch_utils import ModelEMA  # noqa: PLC0415 - the extra

    model = torch.nn.Linear(1, 1, bias=False)
    trainer = SimpleNamespace(ema=ModelEMA(model), args=SimpleNamespace(time=None))
    TrainingWatch(TrainingFolder(tmp_path), amp=False, used_s=0.0, listener=Listener()).on_train_epoch_start(trainer)
    for step in range(1, steps + 1):
        with torch.no_grad():
            model.weight.fill_(float(step))
        trainer.ema.update(model)
    assert steps - trainer.ema.ema.weight.item() == pytest.approx(steps / 5, rel=0.05, abs=0.5)
