"""Drawn geometry in the cache: named arrays in one compressed file per key, one lock a key.

The key is a hash over the code that draws and the options, so changed code never finds old anatomies. Of two equal
drawings at once the second waits and reads.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path

import numpy as np
from filelock import FileLock

from disentangle.runs.files import write_atomically
from disentangle.runs.source import COSMETIC, closure_hash

Arrays = dict[str, np.ndarray]


def kept(name: str, options: str, module: str, make: Callable[[], Arrays]) -> Arrays:
    """What ``make`` gives for these options and the code of ``module``, from the cache where it is there.

    A damaged file is made again; where nothing can be written the result is returned all the same.
    """
    path = _folder() / f"brain-{name}-{_key(options, module)}.npz"
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(FileLock(f"{path}.lock"))
        except OSError:  # nowhere to write
            return make()
        if (found := _read(path)) is not None:
            return found
        made = make()
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **made)
        try:
            write_atomically(path, buffer.getvalue())
        except OSError:  # full or read-only: drawn again next time
            pass
        return made


def _folder() -> Path:
    # By name: a change of the cache's code changes no picture, so the key must not see it.
    return importlib.import_module("disentangle.cache").folder() / "cohorts"


def _key(options: str, module: str) -> str:
    return hashlib.sha256(f"{_code(module)} {options}".encode()).hexdigest()[:24]


@lru_cache
def _code(module: str) -> str:
    return closure_hash(module, exclude=COSMETIC)


def _read(path: Path) -> Arrays | None:
    """What was written; None where it is absent or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zipfile.LargeZipFile):
        return None
