"""Teachers: earlier weights, of whose answers a training learns beside the labels; knowledge distillation from an ensemble.

The student learns how sure a teacher is at each place (Hinton et al. 2015, "Distilling the Knowledge in a Neural Network") and
how likely it finds each distance to the sides of a box (Zheng et al. 2022, "Localization Distillation for Dense Object
Detection"; the cross-entropy here has the gradient of their Kullback-Leibler divergence). A teacher sees the picture before it
is made worse, the student afterwards, and mirrored looks are one more opinion of each teacher.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from server.domain.errors import InvalidRequest
from server.inference.ultralytics import load_weights

CLEAN = "clean"
"""The key of a batch under which the pictures lie as they were before they were made worse."""

# What the fourth turn of the delivered model was trained with: the shares of the labels and of the teachers' boxes in the loss.
_LABELS = 0.7
_BOXES = 0.7
# Of the probabilities of a teacher: from here on they count as an object, and its box there is worth learning.
_COUNTED = 0.02
_SEEN = 0.05


class Teachers:
    """Networks on the device of the training, of which one looks at each batch: which one, and whether mirrored, is drawn.

    `mirrored` is the share of looks at mirrored pictures.
    """

    def __init__(self, networks: Sequence[Any], *, mirrored: float) -> None:
        self._networks = networks
        self._mirrored = mirrored

    def look(self, pictures: Any) -> dict[str, Any]:
        """Raw outputs for pictures (n, 3, height, width): as Ultralytics has them, see `soft_losses`; without a gradient."""
        import torch  # noqa: PLC0415 - the extra

        network = self._networks[int(torch.randint(len(self._networks), ()))]
        with torch.no_grad():
            if float(torch.rand(())) >= self._mirrored:
                return dict(network(pictures)[1])
            return mirrored(network(pictures.flip(-1).contiguous(memory_format=torch.channels_last))[1])


def check_teachers(files: Sequence[Path]) -> None:
    """Raises InvalidRequest for a file that is not there."""
    for file in files:
        if not file.is_file():
            raise InvalidRequest(f"teacher {file}: there is no such file")


def load_teachers(files: Sequence[Path], *, student: Any, mirrored: float) -> Teachers:
    """The teachers of this network, which is on its device and knows the names of its classes. Blocks.

    Raises InvalidRequest for one that is not there or does not fit, and ModelError for one that cannot be read.
    """
    import torch  # noqa: PLC0415 - the extra

    check_teachers(files)
    layout = _layout(student)
    if layout is None:
        raise InvalidRequest("--teachers: the model to be trained has no head like YOLOv8's, with distributions of distances")
    device = next(student.parameters()).device
    networks = []
    for file in files:
        model = load_weights(file)
        if model.names != student.names:
            theirs, ours = (", ".join(map(str, one.names.values())) for one in (model, student))
            raise InvalidRequest(f"teacher {file}: its classes are {theirs}, not {ours}")
        if _layout(model.model) != layout:
            raise InvalidRequest(f"teacher {file}: its outputs are not laid out like those of the model to be trained")
        network = model.model.float().eval().requires_grad_(requires_grad=False)
        networks.append(network.to(device, memory_format=torch.channels_last))
    return Teachers(networks, mirrored=mirrored)


def _layout(network: Any) -> tuple[Any, ...] | None:
    """Number of classes, steps of a side's distribution and strides; None where the head is none like YOLOv8's."""
    head = network.model[-1]
    if getattr(head, "reg_max", 1) < 2 or getattr(head, "one2one_cv2", None) is not None:
        return None
    return (head.nc, head.reg_max, *head.stride.tolist())


def taught_loss(model: Any, teachers: Teachers) -> Any:
    """Ultralytics' loss for this model, to which that of the teachers is added where a batch has clean pictures.

    What is shown of it stays the loss by the labels, which is what there is at validation, too.
    """
    import torch  # noqa: PLC0415 - the extra
    from ultralytics.utils.loss import v8DetectionLoss  # noqa: PLC0415 - the extra

    # The teachers are no attribute: Ultralytics copies a model with its loss.
    class TaughtLoss(v8DetectionLoss):  # type: ignore[misc, unused-ignore]
        def get_assigned_targets_and_loss(self, preds: dict[str, Any], batch: dict[str, Any], **how: Any) -> Any:
            targets, loss, shown = super().get_assigned_targets_and_loss(preds, batch, **how)
            if CLEAN in batch:
                gains = torch.tensor([_BOXES * self.hyp.box, self.hyp.cls, _BOXES * self.hyp.dfl], device=loss.device)
                loss = _LABELS * loss + gains * soft_losses(preds, teachers.look(batch[CLEAN]))
            return targets, loss, shown

    return TaughtLoss(model)


def soft_losses(student: dict[str, Any], teacher: dict[str, Any]) -> Any:
    """Box, class and distribution loss of the student's raw outputs by the teacher's, (3,) float32.

    Both hold `boxes` (n, 4 * steps, places), logits of the distance to left, top, right and bottom in strides, and `scores`
    (n, classes, places), logits. Boxes count where the teacher sees something, as much as it is sure.
    """
    import torch  # noqa: PLC0415 - the extra
    from torch.nn import functional  # noqa: PLC0415 - the extra

    likely = teacher["scores"].float().sigmoid()
    total = (likely * (likely > _COUNTED)).sum().clamp(min=1)
    classes = functional.binary_cross_entropy_with_logits(student["scores"].float(), likely, reduction="sum") / total
    sure = likely.amax(1)
    seen = sure > _SEEN
    weight = sure[seen] / total
    theirs, ours = (one["boxes"].float().unflatten(1, (4, -1)).permute(0, 3, 1, 2)[seen] for one in (teacher, student))
    theirs, ours = theirs.softmax(-1), ours.log_softmax(-1)
    distribution = -(theirs * ours).sum(-1).mean(-1)
    steps = torch.arange(theirs.shape[-1], device=theirs.device)
    box = 1 - _overlap((theirs * steps).sum(-1), (ours.exp() * steps).sum(-1))
    return torch.stack([(box * weight).sum(), classes, (distribution * weight).sum()])


def _overlap(first: Any, second: Any) -> Any:
    """Intersection over union of boxes about the same places, each (boxes, 4): distances to left, top, right and bottom."""
    common, own, other = (sides[:, :2] + sides[:, 2:] for sides in (first.minimum(second), first, second))
    shared = common.prod(-1)
    return shared / (own.prod(-1) + other.prod(-1) - shared).clamp(min=1e-6)


def mirrored(outputs: dict[str, Any]) -> dict[str, Any]:
    """Raw outputs for mirrored pictures as those for the pictures: columns reversed, left and right exchanged.

    `feats` has the rows and columns of each stride: the places are those of one stride after the other, row by row.
    """
    import torch  # noqa: PLC0415 - the extra

    grids = [feature.shape[2:] for feature in outputs["feats"]]
    counts = [rows * columns for rows, columns in grids]

    def turned(values: Any) -> Any:
        parts = zip(values.split(counts, -1), grids, strict=True)
        return torch.cat([part.unflatten(-1, tuple(grid)).flip(-1).flatten(-2) for part, grid in parts], -1)

    boxes = turned(outputs["boxes"]).unflatten(1, (4, -1))[:, [2, 1, 0, 3]].flatten(1, 2)
    return {"boxes": boxes, "scores": turned(outputs["scores"]), "feats": outputs["feats"]}
