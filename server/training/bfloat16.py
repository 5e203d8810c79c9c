"""bfloat16 on processors: a guarded change to Ultralytics, which trains in bfloat16 on CUDA only.

A processor with AVX-512 bf16 or AMX bf16 multiplies 16-bit floats twice as fast as 32-bit ones or better, and weights and sums
stay in 32 bits, as they do on a GPU.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from server.inference.processors import processor

_INSTRUCTIONS = frozenset({"avx512_bf16", "amx_bf16"})


def processor_has_bfloat16() -> bool:
    """Whether this processor computes in bfloat16, rather than imitating it. Reads a file."""
    return not _INSTRUCTIONS.isdisjoint(processor().instructions)


def can_be_applied() -> bool:
    """Whether this version of Ultralytics has what `on_processor` replaces."""
    from ultralytics.engine import trainer  # noqa: PLC0415 - the extra

    return callable(getattr(trainer, "autocast", None))


@contextmanager
def on_processor() -> Iterator[None]:
    """Until the block ends, trainers take torch's own autocast where they would refuse bfloat16 on a processor."""
    import torch  # noqa: PLC0415 - the extra
    from ultralytics.engine import trainer  # noqa: PLC0415 - the extra

    theirs = trainer.autocast

    def autocast(enabled: Any, device: str = "cuda") -> Any:
        if device == "cpu" and enabled is torch.bfloat16:
            return torch.autocast("cpu", dtype=torch.bfloat16)
        return theirs(enabled, device=device)

    trainer.autocast = autocast
    try:
        yield
    finally:
        trainer.autocast = theirs
