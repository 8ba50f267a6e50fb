"""Rendered patches in the cache: whole HU as int16, one file for each set of options.

The key is a hash over the code that draws and the options. One lock a key: of two equal renderings at once the
second waits and reads.
"""

from __future__ import annotations

import hashlib
import importlib
import io
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from filelock import FileLock

from disentangle.runs.files import write_atomically
from disentangle.runs.source import COSMETIC, closure_hash


def kept(options: str, module: str, make: Callable[[], np.ndarray]) -> np.ndarray:
    """What ``make`` gives for these options and the code of ``module``, from the cache where it is there.

    A damaged file is made again; where nothing can be written the result is returned all the same.
    """
    path = _folder() / f"lung-{_key(options, module)}.npy"
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(FileLock(f"{path}.lock"))
        except OSError:  # nowhere to write
            return make()
        if (found := _read(path)) is not None:
            return found
        made = make()
        try:
            write_atomically(path, _packed(made))
        except OSError:  # full or read-only: rendered again next time
            pass
        return made


def _folder() -> Path:
    # By name: a change of the cache's code changes no picture, so the key must not see it.
    return importlib.import_module("disentangle.cache").folder() / "cohorts"


def _key(options: str, module: str) -> str:
    return hashlib.sha256(f"{closure_hash(module, exclude=COSMETIC)} {options}".encode()).hexdigest()[:24]


def _packed(made: np.ndarray) -> bytes:
    """The array in numpy's format, after a checksum of its own."""
    buffer = io.BytesIO()
    np.save(buffer, made, allow_pickle=False)
    content = buffer.getvalue()
    return hashlib.sha256(content).digest() + content


def _read(path: Path) -> np.ndarray | None:
    """What was written; None where it is absent or damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(content[32:]).digest() != content[:32]:
        return None
    return np.load(io.BytesIO(content[32:]), allow_pickle=False)
