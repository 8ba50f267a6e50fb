"""Rendered cohorts in the cache: whole Hounsfield units, packed masks, and the table of slices in one file.

The key is a hash over the code that renders, the table of lesions and the options. One lock a key: of two
equal renderings at once the second waits and reads.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock

from disentangle.imaging.lidc.table import TABLE
from disentangle.runs.files import write_atomically
from disentangle.runs.source import COSMETIC, closure_hash

_COLUMN = "samples."


@dataclass(frozen=True, eq=False)
class Rendered:
    """``hu`` int16 (slice, 1, size, size), ``masks`` bool (slice, size, size), ``samples``: a row a slice."""

    hu: np.ndarray
    masks: np.ndarray
    samples: pd.DataFrame


def kept(options: str, module: str, make: Callable[[], Rendered]) -> Rendered:
    """What ``make`` gives for these options and the code of ``module``, from the cache where it is there.

    A damaged file is made again; where nothing can be written the result is returned all the same.
    """
    path = _folder() / f"lidc-{_key(options, module)}.npz"
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
    digest = hashlib.sha256(closure_hash(module, exclude=COSMETIC).encode())
    digest.update(TABLE.read_bytes())
    digest.update(options.encode())
    return digest.hexdigest()[:24]


def _packed(made: Rendered) -> bytes:
    columns = {
        f"{_COLUMN}{name}": column.to_numpy(str if column.dtype == object else None)
        for name, column in made.samples.items()
    }
    buffer = io.BytesIO()
    np.savez(buffer, hu=made.hu, masks=np.packbits(made.masks, axis=-1), **columns)
    return buffer.getvalue()


def _read(path: Path) -> Rendered | None:
    """What was written; None where it is absent or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            hu, masks = file["hu"], np.unpackbits(file["masks"], axis=-1).view(bool)
            named = [name for name in file.files if name.startswith(_COLUMN)]
            columns = {name.removeprefix(_COLUMN): file[name] for name in named}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    samples = pd.DataFrame(columns)
    return Rendered(hu, masks, samples.assign(subject=samples["subject"].astype(object)))
