"""Checkpoints of an unfinished training: whole or absent, and never of another training."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import torch
from torch import nn

from disentangle.runs.files import write_atomically


class CheckpointMismatch(ValueError):
    """A checkpoint belongs to another model, data set, seed or configuration."""


def described(model: nn.Module) -> str:
    """Class, size and a digest of the names and shapes of all weights."""
    shapes = [(name, tuple(value.shape)) for name, value in model.state_dict().items()]
    count = sum(parameter.numel() for parameter in model.parameters())
    digest = hashlib.sha256(repr(shapes).encode()).hexdigest()[:8]
    return f"{type(model).__name__} of {count:,} parameters (shapes {digest})"


def write(path: Path, identity: dict[str, str], state: dict) -> None:
    """Write aside, then rename: a checkpoint that exists is whole, and survives a failed later one.

    Raises OSError where the disk is full.
    """
    content = io.BytesIO()
    torch.save({"identity": identity, "state": state}, content)
    write_atomically(path, content.getvalue())


def read(path: Path, identity: dict[str, str], device: torch.device) -> dict:
    """The state that `write` stored; raises `CheckpointMismatch` naming both sides of what differs."""
    stored = torch.load(path, map_location=device, weights_only=True)
    found = stored["identity"]
    differing = [
        f"{part}: found {found.get(part)}, expected {wanted}"
        for part, wanted in identity.items()
        if found.get(part) != wanted
    ]
    if differing:
        raise CheckpointMismatch(f"checkpoint {path} is of other work; " + "; ".join(differing))
    return stored["state"]
