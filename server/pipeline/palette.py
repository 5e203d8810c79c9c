"""The colours that boxes are drawn in, for every layout of pixels."""

from dataclasses import dataclass

from server.domain.frame import PixelLayout

PlaneValue = int | tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Colour:
    """One colour in every layout: blue, green, red of 0..255, and limited-range BT.601 Y, U, V."""

    bgr: tuple[int, int, int]
    yuv: tuple[int, int, int]

    @classmethod
    def from_hex(cls, code: str) -> "Colour":
        """The colour of a code such as `#FF6B35`."""
        red, green, blue = bytes.fromhex(code.removeprefix("#"))
        return cls((blue, green, red), _yuv(red / 255, green / 255, blue / 255))

    def planes(self, layout: PixelLayout) -> tuple[PlaneValue, ...]:
        """The value of this colour in each plane of a layout: Y, U, V, or one of blue, green, red together."""
        return self.yuv if layout is PixelLayout.I420 else (self.bgr,)


def _yuv(red: float, green: float, blue: float) -> tuple[int, int, int]:
    """Limited-range BT.601 (ITU-R BT.601-7, section 2.5.3) of red, green, blue of 0..1."""
    luma = 16 + 65.481 * red + 128.553 * green + 24.966 * blue
    first = 128 - 37.797 * red - 74.203 * green + 112.0 * blue
    second = 128 + 112.0 * red - 93.786 * green - 18.214 * blue
    return round(luma), round(first), round(second)


INK = Colour.from_hex("#0B0D10")

# Told apart with every kind of colour vision: the least CIE76 distance of any two is 31, for deutan and tritan vision.
_CLASS_COLOURS = tuple(Colour.from_hex(code) for code in ("#FF6B35", "#9B83FC", "#51FB95", "#F9F91F", "#28A0BD", "#C0F2F2"))


def class_colour(class_id: int) -> Colour:
    """The colour of a class; from the 7th class on they come round again."""
    return _CLASS_COLOURS[class_id % len(_CLASS_COLOURS)]


def is_colour_reused(class_id: int) -> bool:
    """Whether a class before this one has its colour, so that the edge must differ."""
    return class_id >= len(_CLASS_COLOURS)
