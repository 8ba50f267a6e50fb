"""Drawn anatomies in the cache: tissues, shares, labels and the table of slices in one compressed file.

Only the geometry is kept; pictures are rendered from it each time. The key is a hash over the code that draws
and the options. One lock a key: of two equal drawings at once the second waits and reads.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock

from disentangle.imaging.heart.anatomy import Stacks
from disentangle.runs.files import write_atomically
from disentangle.runs.source import COSMETIC, closure_hash

_COLUMN = "samples."
_ARRAYS = ("first", "second", "share", "labels")


def kept(options: str, module: str, make: Callable[[], Stacks]) -> Stacks:
    """What ``make`` gives for these options and the code of ``module``, from the cache where it is there.

    A damaged file is made again; where nothing can be written the result is returned all the same.
    """
    path = _folder() / f"heart-{_key(options, module)}.npz"
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
        except OSError:  # full or read-only: drawn again next time
            pass
        return made


def _folder() -> Path:
    # By name: a change of the cache's code changes no picture, so the key must not see it.
    return importlib.import_module("disentangle.cache").folder() / "cohorts"


def _key(options: str, module: str) -> str:
    return hashlib.sha256(f"{closure_hash(module, exclude=COSMETIC)} {options}".encode()).hexdigest()[:24]


def _packed(made: Stacks) -> bytes:
    columns = {
        f"{_COLUMN}{name}": column.to_numpy(str if column.dtype == object else None)
        for name, column in made.samples.items()
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: getattr(made, name) for name in _ARRAYS}, **columns)
    return buffer.getvalue()


def _read(path: Path) -> Stacks | None:
    """What was written; None where it is absent or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in _ARRAYS}
            named = [name for name in file.files if name.startswith(_COLUMN)]
            columns = {name.removeprefix(_COLUMN): file[name] for name in named}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zipfile.LargeZipFile):
        return None
    samples = pd.DataFrame(columns)
    texts = {name: samples[name].astype(object) for name in samples if samples[name].dtype.kind in "OU"}
    return Stacks(**arrays, samples=samples.assign(**texts))
