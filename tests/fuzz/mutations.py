"""Mutations: real files and texts, damaged in the ways in which they are damaged, or made to damage.

A mutation is a few numbers, which hypothesis draws and makes smaller; what they do to the seed follows from them alone.
"""

from collections.abc import Sequence

from hypothesis import strategies as st

# Where parsers go wrong: nothing, signs, the ends of 8, 16, 32 and 64 bits.
NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 2**64 - 1)
WORDS = (
    *("", "0", "-1", "1", "9" * 20, "9" * 5000, "1e999", "nan", "\0", "\ud7ff", "ü", "é\u202e"),
    *("%00", "a" * 300, " ", ":", "=", "*", "[", "{}"),
)
# Headers decide most; there every second change lies.
_HEAD_BYTES = 64
_LENGTHS = (1, 2, 4, 16, 1 << 30)
_STEPS = st.tuples(st.integers(0, 15), st.integers(0, 0xFFFFFF), st.integers(0, 0xFFFF))
"""What is done, where, and with what."""
_LINE_SIGNS = (" ", ":", "=", ";", "/")


def mutated(seeds: Sequence[bytes], most: int = 6) -> st.SearchStrategy[bytes]:
    """One of the seeds after up to `most` changes: bytes set, numbers put in, pieces lost, doubled or of another seed."""
    choice = st.tuples(st.integers(0, len(seeds) - 1), st.lists(_STEPS, min_size=1, max_size=most))
    return choice.map(lambda chosen: _changed(seeds, *chosen))


def mutated_lines(seeds: Sequence[str], most: int = 5) -> st.SearchStrategy[str]:
    """One of the texts after up to `most` changes: lines lost, doubled, moved or of another one, and words that are wrong."""
    choice = st.tuples(st.integers(0, len(seeds) - 1), st.lists(_STEPS, min_size=1, max_size=most))
    others = [line for seed in seeds for line in seed.splitlines()]
    return choice.map(lambda chosen: _changed_lines(seeds[chosen[0]].splitlines(), chosen[1], others=others))


def _changed(seeds: Sequence[bytes], number: int, steps: list[tuple[int, int, int]]) -> bytes:
    data = bytearray(seeds[number])
    for kind, where, what in steps:
        at = where % max(1, min(_HEAD_BYTES, len(data)) if kind % 2 else len(data))
        _change(data, at, kind=kind // 2, what=what, seeds=seeds)
    return bytes(data)


def _change(data: bytearray, at: int, *, kind: int, what: int, seeds: Sequence[bytes]) -> None:
    length = _LENGTHS[what % len(_LENGTHS)]
    if kind in (0, 1):
        data[at : at + 1] = bytes([what & 0xFF])
    elif kind in (2, 3):
        size = 1 << what % 4
        number = NUMBERS[what // 8 % len(NUMBERS)] % (1 << 8 * size)
        data[at : at + size] = number.to_bytes(size, "big" if what & 4 else "little")
    elif kind == 4:
        del data[at : at + length]
    elif kind == 5:
        data[at:at] = data[at : at + min(length, 4096)]
    elif kind == 6:
        data[at:at] = what.to_bytes(2, "big")
    else:
        data[at:] = seeds[what % len(seeds)][at:]


def _changed_lines(lines: list[str], steps: list[tuple[int, int, int]], *, others: Sequence[str]) -> str:
    for kind, where, what in steps:
        at = where % max(1, len(lines))
        if not lines or kind in (0, 1):
            lines.insert(at, others[what % len(others)])
        elif kind in (2, 3):
            del lines[at]
        elif kind == 4:
            lines.insert(at, lines[at])
        elif kind == 5:
            lines.insert(what % len(lines), lines.pop(at))
        elif kind == 6:
            lines[at] = lines[at][: what % (len(lines[at]) + 1)]
        elif kind == 7:
            lines[at] = lines[at][:2] + chr(what if not 0xD800 <= what <= 0xDFFF else 0) + lines[at][2:]
        else:
            lines[at] = _with_word(lines[at], sign=_LINE_SIGNS[kind % len(_LINE_SIGNS)], what=what)
    return "".join(f"{line}\r\n" for line in lines)


def _with_word(line: str, *, sign: str, what: int) -> str:
    """The line with another word in the place of one of its own."""
    words = line.split(sign)
    words[what // len(WORDS) % len(words)] = WORDS[what % len(WORDS)]
    return sign.join(words)
