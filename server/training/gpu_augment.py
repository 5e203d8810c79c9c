"""GPU augment: batches of mosaics, scaled, shifted, mirrored, coloured and made worse on the GPU that holds the pictures.

Geometry is one matrix for each tile of a picture, from the pixels of the batch to those of the picture that is held, so that
each pixel is interpolated once. Coordinates are those of pixel edges: the middle of the first pixel is 0.5.
"""

from dataclasses import dataclass
from typing import Any

from server.training.gpu_pictures import GREY, GpuPictures
from server.training.teachers import CLEAN

# A box stays when it is larger than this on both sides and shows this share of the object, as in Ultralytics.
_SMALLEST_PX = 2.0
_SMALLEST_SHARE = 0.1
# Pictures of one step, so that what lies between is bounded whatever the batch.
_AT_ONCE = 64
_TILES = 4
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True)
class Strength:
    """How much: shares of all pictures, or a range to either side of what is there, under Ultralytics' names.

    `mixup` is the share through which another picture of the batch shines with all that it shows; `degrade` is
    the share that gets noise, is blurred, is made coarser, each for itself; `grey` loses its colours. `stretch` makes a picture
    wider and lower, or the other way round: what is upright stays so, and boxes stay tight.
    """

    mosaic: float = 0.8
    scale: float = 0.6
    translate: float = 0.1
    degrees: float = 0.0
    fliplr: float = 0.5
    hsv_h: float = 0.015
    hsv_s: float = 0.7
    hsv_v: float = 0.5
    mixup: float = 0.0
    degrade: float = 0.15
    grey: float = 0.08
    stretch: float = 0.1


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where each of the four tiles of each picture comes from and lies; n pictures, all float32 on the device.

    `tiles` (n, 4) numbers of pictures; `shown` (n, 4) whether there is one; `ratio` and `corner` (n, 4, 2): width and height of
    a pixel of the tile, and its top left corner, on a canvas of twice the side; `mirrored` (n, 4); `view` (n, 2, 2) and `shift`
    (n, 2): from the batch's pixels, about the middle, to the canvas.
    """

    tiles: Any
    shown: Any
    ratio: Any
    corner: Any
    mirrored: Any
    view: Any
    shift: Any


class GpuAugment:
    """Makes batches of the pictures; all random numbers come from torch's generator of the device."""

    def __init__(self, pictures: GpuPictures, strength: Strength) -> None:
        self._pictures = pictures
        self._strength = strength

    def batch(self, numbers: Any, *, side: int, mosaic: bool, clean: bool = False) -> dict[str, Any]:
        """The pictures `numbers` (int64, on the device), alone or in a mosaic with three others, as Ultralytics wants them.

        `img` float32 (n, 3, side, side) from 0 to 1, `cls` (boxes, 1), `bboxes` (boxes, 4) as fractions, `batch_idx` (boxes,);
        with `clean` as much memory again: under that name the pictures before they were made worse.
        """
        import torch  # noqa: PLC0415 - the extra

        parts = [self._part(part, side=side, mosaic=mosaic, clean=clean) for part in numbers.split(_AT_ONCE)]
        counts = torch.tensor([0, *(len(part[0]) for part in parts[:-1])]).cumsum(0).tolist()
        made = {
            "img": torch.cat([part[0] for part in parts]).contiguous(memory_format=torch.channels_last),
            "cls": torch.cat([part[1] for part in parts]),
            "bboxes": torch.cat([part[2] for part in parts]),
            "batch_idx": torch.cat([part[3] + before for part, before in zip(parts, counts, strict=True)]),
        }
        if clean:
            made[CLEAN] = torch.cat([part[4] for part in parts]).contiguous(memory_format=torch.channels_last)
        return made

    def _part(self, numbers: Any, *, side: int, mosaic: bool, clean: bool) -> tuple[Any, Any, Any, Any, Any]:
        layout = self._layout(numbers, side=side, mosaic=mosaic)
        image = self._coloured(self._drawn(layout, side))
        labels = self._boxes(layout, side)
        if mosaic:  # as in Ultralytics the last epochs have neither
            image, labels = self._mixed(image, labels)
        return (self._worse(image), *labels, image if clean else None)

    def _layout(self, numbers: Any, *, side: int, mosaic: bool) -> _Layout:
        import torch  # noqa: PLC0415 - the extra

        how, count, device = self._strength, len(numbers), numbers.device
        tiles = torch.randint(len(self._pictures), (count, _TILES), device=device)
        tiles[:, 0] = numbers
        many = torch.rand(count, device=device) < (how.mosaic if mosaic else 0.0)
        wider = _around(count * _TILES, how.stretch, device).exp().view(count, _TILES)
        ratio = torch.stack([wider, 1 / wider], -1) * (side / self._pictures.sizes[tiles].amax(-1))[..., None]
        covered = self._pictures.sizes[tiles] * ratio
        before = torch.tensor([[1.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.0, 0.0]], device=device)
        middle = side * (0.5 + torch.rand(count, 1, 2, device=device))
        corner = torch.where(many[:, None, None], middle - before * covered, side - covered / 2)
        first = torch.arange(_TILES, device=device) == 0
        angle = torch.deg2rad(_around(count, how.degrees, device))
        turned = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], -1).view(count, 2, 2)
        return _Layout(
            tiles=tiles,
            shown=many[:, None] | first,
            ratio=ratio,
            corner=corner,
            mirrored=torch.rand(count, _TILES, device=device) < how.fliplr,
            view=turned / (1 + _around(count, how.scale, device))[:, None, None],
            shift=torch.stack([_around(count, how.translate, device) for _ in range(2)], -1) * side,
        )

    def _drawn(self, layout: _Layout, side: int) -> Any:
        """The pixels, float32 (n, 3, side, side) from 0 to 1."""
        import torch  # noqa: PLC0415 - the extra
        from torch.nn import functional  # noqa: PLC0415 - the extra

        count, device = len(layout.tiles), layout.tiles.device
        held_side = self._pictures.pixels.shape[-1]
        steps = torch.arange(side, device=device) + 0.5 - side / 2
        grid = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1).view(1, -1, 2) - layout.shift[:, None]
        canvas = (grid @ layout.view.transpose(1, 2) + side).view(count, side, side, 2)
        drawn = torch.full((count, 3, side, side), float(GREY), device=device)
        for tile in range(_TILES):
            size = self._pictures.sizes[layout.tiles[:, tile]][:, None, None]
            at = (canvas - layout.corner[:, tile, None, None]) / layout.ratio[:, tile, None, None]
            inside = ((at >= 0) & (at < size)).all(-1) & layout.shown[:, tile, None, None]
            mirrored = torch.stack([size[..., 0] - at[..., 0], at[..., 1]], -1)
            at = torch.where(layout.mirrored[:, tile, None, None, None], mirrored, at)
            held = self._pictures.pixels[layout.tiles[:, tile]].float()
            sampled = functional.grid_sample(held, at * (2 / held_side) - 1, padding_mode="border", align_corners=False)
            drawn = torch.where(inside[:, None], sampled, drawn)
        return drawn / 255

    def _boxes(self, layout: _Layout, side: int) -> tuple[Any, Any, Any]:
        """Class (boxes, 1), middle and size as fractions (boxes, 4), and number of the picture (boxes,)."""
        import torch  # noqa: PLC0415 - the extra

        boxes, classes = self._pictures.boxes[layout.tiles], self._pictures.classes[layout.tiles]
        corners = boxes[..., [0, 1, 2, 1, 2, 3, 0, 3]].unflatten(-1, (4, 2))
        width = self._pictures.sizes[layout.tiles][..., 0]
        mirrored = torch.stack([width[..., None, None] - corners[..., 0], corners[..., 1]], -1)
        corners = torch.where(layout.mirrored[..., None, None, None], mirrored, corners)
        canvas = corners * layout.ratio[:, :, None, None] + layout.corner[:, :, None, None] - side
        seen = (canvas.flatten(1, 3) @ torch.linalg.inv(layout.view).transpose(1, 2)).view_as(canvas)
        seen = seen + side / 2 + layout.shift[:, None, None, None]
        whole = torch.cat([seen.amin(-2), seen.amax(-2)], -1)
        clipped = whole.clamp(0, side)
        size, full = clipped[..., 2:] - clipped[..., :2], whole[..., 2:] - whole[..., :2]
        share = size.prod(-1) / full.prod(-1).clamp(min=1e-6)
        kept = (classes >= 0) & layout.shown[..., None] & (size > _SMALLEST_PX).all(-1) & (share > _SMALLEST_SHARE)
        fractions = torch.cat([(clipped[..., :2] + clipped[..., 2:]) / 2, size], -1) / side
        return classes[kept][:, None], fractions[kept], kept.nonzero()[:, 0].float()

    def _mixed(self, image: Any, labels: tuple[Any, Any, Any]) -> tuple[Any, tuple[Any, Any, Any]]:
        """Some blended with the picture before them, whose boxes they get as well; about half of each, as in Ultralytics."""
        import torch  # noqa: PLC0415 - the extra

        share = self._strength.mixup
        if not share or len(image) < 2:
            return image, labels
        count, device = len(image), image.device
        mixed = torch.rand(count, device=device) < share
        own = torch.where(mixed, 0.4 + 0.2 * torch.rand(count, device=device), 1.0)[:, None, None, None]
        image = own * image + (1 - own) * image.roll(1, 0)
        after = (labels[2].long() + 1) % count
        shines = mixed[after]
        lent = (labels[0][shines], labels[1][shines], after[shines].float())
        together = [torch.cat(pair) for pair in zip(labels, lent, strict=True)]
        in_order = together[2].argsort(stable=True)  # Ultralytics' loss counts the boxes of each picture where they lie
        classes, boxes, numbers = (one[in_order] for one in together)
        return image, (classes, boxes, numbers)

    def _coloured(self, image: Any) -> Any:
        """Hue turned, colours stronger or weaker, brighter or darker: one matrix for each picture."""
        import torch  # noqa: PLC0415 - the extra

        how, count, device = self._strength, len(image), image.device
        luma = torch.tensor(_LUMA, device=device).expand(3, 3)
        saturation = 1 + _around(count, how.hsv_s, device)
        saturation = torch.where(torch.rand(count, device=device) < how.grey, 0.0, saturation)[:, None, None]
        turn = _around(count, how.hsv_h, device)[:, None, None] * 2 * torch.pi
        # A turn about the grey axis: Rodrigues' formula for the axis (1, 1, 1).
        across = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]], device=device) / 3**0.5
        identity, even = torch.eye(3, device=device), torch.full((3, 3), 1 / 3, device=device)
        hue = turn.cos() * identity + turn.sin() * across + (1 - turn.cos()) * even
        matrix = (luma + saturation * (identity - luma)) @ hue * (1 + _around(count, how.hsv_v, device))[:, None, None]
        return (matrix @ image.flatten(2)).view_as(image).clamp(0, 1)

    def _worse(self, image: Any) -> Any:
        """Some noisy, some blurred, some coarser, as worse cameras would have taken them."""
        import torch  # noqa: PLC0415 - the extra
        from torch.nn import functional  # noqa: PLC0415 - the extra

        count, device, share = len(image), image.device, self._strength.degrade
        coarse, blurred, noisy = (torch.rand(3, count, device=device) < share).unbind()
        factor = 0.35 + 0.4 * torch.rand(()).item()
        small = functional.interpolate(image, scale_factor=factor, mode="area")
        up = functional.interpolate(small, size=image.shape[2:], mode="bilinear", align_corners=False)
        image = torch.where(coarse[:, None, None, None], up, image)
        soft = functional.avg_pool2d(image, 3, stride=1, padding=1, count_include_pad=False)
        image = torch.where(blurred[:, None, None, None], soft, image)
        strength = noisy * torch.rand(count, device=device) * 0.08
        return (image + torch.randn_like(image) * strength[:, None, None, None]).clamp(0, 1)


def _around(count: int, range_: float, device: Any) -> Any:
    """Random numbers from -range_ to range_, (count,)."""
    import torch  # noqa: PLC0415 - the extra

    return (2 * torch.rand(count, device=device) - 1) * range_
