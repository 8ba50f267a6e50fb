"""Trained models on disk, found again by configuration, seed, data and code.

An entry is ``models/KIND/KEY.safetensors`` (weights) beside ``KEY.json`` (facts, and the checksum of the
weights), in `folder`. One lock a key: of two equal trainings at once the second waits and reads. Nothing
here can lose a trained model: what cannot be stored is returned all the same, with a warning that says why.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from platformdirs import user_cache_path
from safetensors.torch import load, save
from torch import Tensor

from disentangle.runs.files import write_atomically
from disentangle.runs.source import COSMETIC, closure_hash


class CacheWarning(UserWarning):
    """An entry could not be read or written; the result is right, but costs its computation again."""


@dataclass
class Stored:
    """A trained model as it lies in the cache: ``tensors`` by name, and ``facts`` that JSON can hold."""

    tensors: dict[str, Tensor]
    facts: dict = field(default_factory=dict)


def folder() -> Path:
    """``DISENTANGLE_CACHE``, else the user's cache folder; it need not exist yet."""
    chosen = os.environ.get("DISENTANGLE_CACHE")
    return Path(chosen) if chosen else user_cache_path("disentangle")


def key_of(kind: str, parts: dict, module: str) -> str:
    """sha256 over what decides a model: its parts (JSON) and the code that ``module`` depends on."""
    text = json.dumps(
        {"kind": kind, "parts": parts, "code": closure_hash(module, COSMETIC)},
        sort_keys=True,
        allow_nan=False,
    )
    return hashlib.sha256(text.encode()).hexdigest()


def cached(kind: str, parts: dict, module: str, make: Callable[[Path | None], Stored]) -> tuple[Stored, bool]:
    """The stored model for these parts and the code of ``module``, else ``make``'s, then stored.

    ``make`` receives a path where it may keep a checkpoint while it works (None where nothing can be
    written). The second value says whether the cache had it. A damaged entry is made again with a
    `CacheWarning`.
    """
    key = key_of(kind, parts, module)
    place = folder() / "models" / kind
    with ExitStack() as stack:
        try:
            place.mkdir(parents=True, exist_ok=True)
            stack.enter_context(FileLock(place / f"{key}.lock"))
        except OSError as error:
            warnings.warn(f"no model cache at {place}: {error}", CacheWarning, stacklevel=2)
            return make(None), False
        found = _read(place, key)
        if found is not None:
            return found, True
        checkpoint = place / f"{key}.checkpoint"
        made = make(checkpoint)
        _write(place, key, made, parts)
        checkpoint.unlink(missing_ok=True)
        return made, False


def checksum(*arrays: np.ndarray | Tensor | None) -> str:
    """sha256 over the values, types and shapes of arrays; None counts as absent."""
    digest = hashlib.sha256()
    for array in arrays:
        if isinstance(array, Tensor):
            array = array.detach().cpu().contiguous().numpy()
        if array is None:
            digest.update(b"none")
            continue
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def _read(place: Path, key: str) -> Stored | None:
    facts, weights = place / f"{key}.json", place / f"{key}.safetensors"
    if not facts.exists():
        return None
    try:
        entry = json.loads(facts.read_text(encoding="utf-8"))
        content = weights.read_bytes()
        if hashlib.sha256(content).hexdigest() != entry["weights_sha256"]:
            raise ValueError(f"{weights.name} does not have the checksum that {facts.name} names")
        return Stored(load(content), entry["facts"])
    except Exception as error:  # whatever is wrong with an entry, the remedy is to make it again
        message = f"damaged entry in the model cache, training again: {weights}: {type(error).__name__}: {error}"
        warnings.warn(message, CacheWarning, stacklevel=4)
        return None


def _write(place: Path, key: str, made: Stored, parts: dict) -> None:
    content = save({name: tensor.detach().cpu().contiguous() for name, tensor in made.tensors.items()})
    entry = {
        "parts": parts,
        "facts": made.facts,
        "torch": torch.__version__,
        "weights_sha256": hashlib.sha256(content).hexdigest(),
    }
    try:
        write_atomically(place / f"{key}.safetensors", content)
        write_atomically(place / f"{key}.json", json.dumps(entry, indent=1))
    except OSError as error:
        message = f"the trained model is returned but was not kept in the cache: {error}"
        warnings.warn(message, CacheWarning, stacklevel=4)
