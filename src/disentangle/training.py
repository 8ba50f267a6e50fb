"""The one training loop: seeds, device, precision, checkpoints, early stopping, history, on Lightning Fabric.

A method hands over a `Task` (its model with its losses) and `Batches` (its data, on the training device).
Tasks that train against an adversary name several groups of parameters, which are stepped in turn.
"""

from __future__ import annotations

import json
import logging
import math
import sys
import time
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from tqdm import tqdm

from disentangle import checkpoints
from disentangle.batches import Batches
from disentangle.device import mixed_seed, resolve_device, resolve_precision

# Fabric announces its precision at every set-up; the settings and the run record say it already.
logging.getLogger("lightning_fabric.utilities.rank_zero").setLevel(logging.WARNING)


@dataclass(frozen=True)
class Settings:
    """How to train. Work is counted in steps, never in seconds.

    ``device`` is ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``; ``precision`` ``auto`` means bfloat16
    with channels-last images where the processor computes in it, else 32 bit. ``patience`` counts
    validations without improvement, None trains to the end; either way the best validated weights are
    restored. ``progress`` None shows a bar only on a terminal, so that notebooks and logs stay quiet.
    ``checkpoint_every`` 0 writes none. Gradients of each group are clipped to the norm ``clip_norm``.
    """

    steps: int = 800
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: Literal["constant", "cosine"] = "cosine"
    clip_norm: float | None = 5.0
    device: str = "auto"
    precision: Literal["auto", "32", "bf16"] = "auto"
    validate_every: int = 100
    patience: int | None = None
    checkpoint_every: int = 0
    log_every: int = 20
    progress: bool | None = None

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "validate_every", "log_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, expected at least 1")
        if self.precision not in ("auto", "32", "bf16"):
            raise ValueError(f"precision is {self.precision!r}, expected 'auto', '32' or 'bf16'")
        if self.schedule not in ("constant", "cosine"):
            raise ValueError(f"schedule is {self.schedule!r}, expected 'constant' or 'cosine'")

    def numerics(self) -> dict[str, object]:
        """What decides the weights: device and precision resolved, without checkpoints, log and bar."""
        values = asdict(self)
        for name in ("checkpoint_every", "progress", "log_every"):
            del values[name]
        device = resolve_device(self.device)
        return values | {"device": device.type, "precision": resolve_precision(self.precision, device)}


class NonFiniteLoss(ArithmeticError):
    """A loss became NaN or infinite. ``step`` and ``terms`` say where, ``checkpoint`` what is left."""

    def __init__(self, step: int, terms: list[str], checkpoint: Path | None):
        kept = f"the last good checkpoint is kept at {checkpoint}" if checkpoint else "no checkpoint was written"
        super().__init__(f"step {step}: {', '.join(terms)} is not finite; {kept}")
        self.step, self.terms, self.checkpoint = step, terms, checkpoint


class Task(nn.Module):
    """A model with its losses, as the loop wants it."""

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Groups in the order in which each step updates them; one optimiser a group."""
        return {"model": [p for p in self.parameters() if p.requires_grad]}

    def losses(self, batch: dict[str, Tensor], step: int, group: str) -> dict[str, Tensor]:
        """Scalar terms of a batch; ``loss`` is minimised over ``group``'s parameters, the rest is logged."""
        raise NotImplementedError

    def validation_losses(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Terms on unseen data, in evaluation mode; ``loss`` decides early stopping."""
        return self.losses(batch, 0, next(iter(self.parameter_groups())))


@dataclass
class History:
    """What happened: a row per logged step with each loss term; ``validation`` columns where validated."""

    rows: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    best_step: int | None = None
    stopped_early: bool = False

    def frame(self):
        """The rows as a DataFrame with the columns ``step``, loss terms and ``validation``."""
        import pandas as pd

        return pd.DataFrame(self.rows)


def train(
    task: Task,
    batches: Batches,
    settings: Settings,
    seed: int,
    *,
    validation: Mapping[str, Tensor] | None = None,
    checkpoint: Path | None = None,
) -> History:
    """Train ``task`` in place; the same seed gives the same weights, resumed from ``checkpoint`` or not.

    Raises `NonFiniteLoss` when a loss is NaN or infinite, `checkpoints.CheckpointMismatch` when
    ``checkpoint`` exists but belongs to other work. A checkpoint that cannot be written (full disk) is a
    warning, never the end of the training. The task ends in evaluation mode on the training device.
    """
    loop = _Loop(task, batches, settings, seed, validation, checkpoint)
    with torch.random.fork_rng():
        loop.resume()
        loop.run()
    task.eval()
    return loop.history


class _Loop:
    """The state of one training."""

    def __init__(self, task, batches, settings, seed, validation, checkpoint):
        self.device = resolve_device(settings.device)
        precision = resolve_precision(settings.precision, self.device)
        index = [self.device.index or 0] if self.device.type == "cuda" else 1
        self.fabric = Fabric(
            accelerator=self.device.type,
            devices=index,
            precision="bf16-mixed" if precision == "bf16" else "32-true",
        )
        layout = torch.channels_last if precision == "bf16" else torch.preserve_format
        self.task = task.to(self.device).to(memory_format=layout)
        self.optimizers = {
            group: torch.optim.AdamW(
                parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
            )
            for group, parameters in task.parameter_groups().items()
        }
        _, *wrapped = self.fabric.setup(self.task, *self.optimizers.values())
        self.wrapped = dict(zip(self.optimizers, wrapped, strict=True))
        self.batches = batches.to(self.device)
        size = 4 * settings.batch_size
        parts = {name: tensor.to(self.device).split(size) for name, tensor in (validation or {}).items()}
        self.validation = [dict(zip(parts, chunk, strict=True)) for chunk in zip(*parts.values(), strict=True)]
        self.settings, self.seed, self.checkpoint = settings, seed, checkpoint
        self.history, self.step, self.window = History(), 0, []
        self.best_loss, self.best_state, self.written = math.inf, None, None

    def run(self) -> None:
        settings, began = self.settings, time.perf_counter()
        before = self.history.seconds
        shown = sys.stderr.isatty() if settings.progress is None else settings.progress
        bar = tqdm(total=settings.steps, initial=self.step, disable=not shown, mininterval=1, leave=False)
        self.task.train()
        with bar:
            while self.step < settings.steps and not self.history.stopped_early:
                self._update()
                bar.update()
                self._after_step()
                self.history.seconds = before + time.perf_counter() - began
                if self._writes():
                    self._write()
        if self.best_state is not None:
            self.task.load_state_dict(self.best_state)
        self.history.seconds = before + time.perf_counter() - began

    def _update(self) -> None:
        """One step of every group, with noise that depends on (seed, step) alone."""
        torch.manual_seed(mixed_seed(self.seed, "step", self.step))
        batch = self.batches.at(self.step)
        terms = {}
        for group, optimizer in self.wrapped.items():
            for parameters in optimizer.param_groups:
                parameters["lr"] = self._learning_rate()
            for other in self.wrapped.values():
                other.zero_grad()
            with self.fabric.autocast():
                losses = self.task.losses(batch, self.step, group)
            self.fabric.backward(losses["loss"])
            if self.settings.clip_norm:
                owned = [p for part in optimizer.param_groups for p in part["params"]]
                norm = nn.utils.clip_grad_norm_(owned, self.settings.clip_norm)
                # Logged, so that a gradient that is not finite is noticed before its weights are kept.
                losses = losses | {"gradient_norm": norm}
            optimizer.step()
            prefix = "" if len(self.wrapped) == 1 else f"{group}_"
            terms |= {prefix + name: value.detach() for name, value in losses.items()}
        self.window.append(terms)

    def _learning_rate(self) -> float:
        rate, done = self.settings.learning_rate, self.step / self.settings.steps
        return rate if self.settings.schedule == "constant" else rate * 0.5 * (1 + math.cos(math.pi * done))

    def _after_step(self) -> None:
        self.step += 1
        settings, last = self.settings, self.step == self.settings.steps
        validating = bool(self.validation) and (self.step % settings.validate_every == 0 or last)
        if last or validating or self._writes() or self.step % settings.log_every == 0:
            self._log()
        if validating:
            self._validate()

    def _log(self) -> None:
        """Move the losses of the last steps off the device in one go, refuse NaN, keep their mean."""
        if not self.window:
            return
        names = list(self.window[0])
        values = torch.stack([torch.stack([terms[name].float() for name in names]) for terms in self.window]).cpu()
        bad = ~values.isfinite()
        if bad.any():
            row = int(bad.any(1).nonzero()[0])
            terms = [name for name, is_bad in zip(names, bad[row], strict=True) if is_bad]
            raise NonFiniteLoss(self.step - len(self.window) + row, terms, self.written)
        self.history.rows.append({"step": self.step} | dict(zip(names, values.mean(0).tolist(), strict=True)))
        self.window = []

    @torch.no_grad()
    def _validate(self) -> None:
        self.task.eval()
        torch.manual_seed(mixed_seed(self.seed, "validation"))
        sums: dict[str, float] = {}
        rows = sum(len(next(iter(batch.values()))) for batch in self.validation)
        for batch in self.validation:
            share = len(next(iter(batch.values()))) / rows
            with self.fabric.autocast():
                terms = self.task.validation_losses(batch)
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + share * float(value)
        self.task.train()
        if not all(math.isfinite(value) for value in sums.values()):
            bad = [f"validation {name}" for name, value in sums.items() if not math.isfinite(value)]
            raise NonFiniteLoss(self.step, bad, self.written)
        loss = sums.pop("loss")
        self.history.rows[-1] |= {"validation": loss} | {f"validation_{k}": v for k, v in sums.items()}
        if loss < self.best_loss:
            self.best_loss, self.history.best_step = loss, self.step
            self.best_state = {name: value.clone() for name, value in self.task.state_dict().items()}
        elif self.settings.patience is not None:
            waited = (self.step - self.history.best_step) / self.settings.validate_every
            self.history.stopped_early = waited >= self.settings.patience

    def _identity(self) -> dict[str, str]:
        """What a checkpoint must share with this training to be resumed."""
        return {
            "model": checkpoints.described(self.task),
            "settings": json.dumps(self.settings.numerics(), sort_keys=True),
            "seed": str(self.seed),
            "data": f"{self.batches.rows} rows of {sorted(self.batches.tensors)}",
        }

    def _writes(self) -> bool:
        every = self.settings.checkpoint_every
        due = every and self.step % every == 0 and self.step < self.settings.steps
        return bool(due and self.checkpoint)

    def _write(self) -> None:
        state = {
            "step": self.step,
            "task": self.task.state_dict(),
            "optimizers": {group: optimizer.state_dict() for group, optimizer in self.optimizers.items()},
            "history": asdict(self.history),
            "best": (self.best_loss, self.best_state),
        }
        try:
            checkpoints.write(self.checkpoint, self._identity(), state)
        except OSError as error:
            warnings.warn(f"step {self.step}: no checkpoint: {error}", stacklevel=2)
        else:
            self.written = self.checkpoint

    def resume(self) -> None:
        if self.checkpoint is None or not self.checkpoint.exists():
            return
        state = checkpoints.read(self.checkpoint, self._identity(), self.device)
        self.task.load_state_dict(state["task"])
        for group, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][group])
        self.history, self.step = History(**state["history"]), state["step"]
        self.best_loss, self.best_state = state["best"]
        self.written = self.checkpoint
