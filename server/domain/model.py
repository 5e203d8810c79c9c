"""Models: what is known of the detector that is loaded."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A loaded model.

    `labels` holds the class names, the class id is the position. `confidence` and `iou` are its defaults, `imgsz` the longest
    side of its input in pixels. `precision` is what the processor computes in, for example `bf16`. `runtime` names
    the engine and its version, for example `("openvino", "2026.4.0")`.
    """

    name: str
    labels: tuple[str, ...]
    confidence: float
    iou: float
    imgsz: int
    precision: str
    runtime: tuple[str, str]

    def class_ids(self, classes: "list[int | str]") -> frozenset[int]:
        """The ids of `classes`, given as ids or names; KeyError carries the first one that the model does not know.

        Text is a name before it is an id: a model of digits may have the label "7" at another place than the seventh.
        """
        known: dict[int | str, int] = {str(number): number for number in range(len(self.labels))}
        known.update({label: number for number, label in enumerate(self.labels)})
        known.update({number: number for number in range(len(self.labels))})
        return frozenset(known[wanted] for wanted in classes)
