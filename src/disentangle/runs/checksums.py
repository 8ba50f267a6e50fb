"""Checksums of data sets and of plain values: what keys are made of."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

DATA_CHECKSUM = "disentangle.imaging.datasets:checksum"
"""Where the checksum of a named data set comes from: ``checksum(name) -> str``."""


def of_data(names: Iterable[str], recorded: Mapping[str, str] | None = None) -> dict[str, str]:
    """Checksum of each named data set.

    ``recorded`` has checksums to trust for sets that are absent from this machine; where it lacks one, the
    FileNotFoundError that says how to get the data is passed on.
    """
    return {name: _of_data_set(name, recorded or {}) for name in sorted(set(names))}


def of_present_data(names: Iterable[str]) -> dict[str, str]:
    """Checksum of each named data set that is on this machine; the others are left out."""
    found = of_data(names, recorded=dict.fromkeys(names, ""))
    return {name: checksum for name, checksum in found.items() if checksum}


def of_value(value: Any) -> str:
    """Hash (sha256) of a value that JSON can hold; the order of names does not matter."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def load_function(reference: str) -> Any:
    """The function named ``module:function``; ValueError where the reference is no such name."""
    module, colon, function = reference.partition(":")
    if not colon or not function:
        raise ValueError(f"expected 'module:function', found {reference!r}")
    found = getattr(importlib.import_module(module), function, None)
    if not callable(found):
        raise ValueError(f"module {module} has no function {function!r}")
    return found


def _of_data_set(name: str, recorded: Mapping[str, str]) -> str:
    try:
        return load_function(DATA_CHECKSUM)(name)
    except FileNotFoundError:
        if name in recorded:
            return recorded[name]
        raise
