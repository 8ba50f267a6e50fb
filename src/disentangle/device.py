"""Where and how exactly numbers are computed: device, precision, seeds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def mixed_seed(*parts: object) -> int:
    """A seed that depends on all parts, so that neighbouring seeds share no stream."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:7], "big")


@contextmanager
def seeded(*parts: object) -> Iterator[None]:
    """Torch's global generators start from the given parts inside, and continue as before outside."""
    with torch.random.fork_rng():
        torch.manual_seed(mixed_seed(*parts))
        yield


def resolve_device(name: str = "auto") -> torch.device:
    """``auto`` is the first accelerator, else the CPU. Raises ValueError for a GPU that is not there."""
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"device is {name!r}, but no CUDA device is there; expected 'cpu' or 'auto'")
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda", 0)
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def resolve_precision(name: str, device: torch.device) -> str:
    """``bf16`` where asked for, or where the processor computes in it by itself; else ``32``."""
    if name != "auto":
        return name
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "32"
    native = device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported() and _has_bf16_instructions()
    return "bf16" if native else "32"


def _has_bf16_instructions() -> bool:
    """Without them torch emulates bfloat16 on the CPU, slower than 32 bit."""
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(probe and probe())
