"""Adapters of the methods whose anatomy is a map: SDNet, disentangled anatomy learning, and PUIR."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from disentangle.anatomy_uad import train as uad
from disentangle.anatomy_uad.config import DALConfig
from disentangle.anatomy_uad.data import Pairs, Slices, checked_slices
from disentangle.comparison.effort import Effort
from disentangle.comparison.people import SEQUENCES, STYLES, Part
from disentangle.comparison.protocol import Codes, TwoCodes, parameters_of
from disentangle.puir import train as puir
from disentangle.puir.config import PUIRConfig
from disentangle.puir.data import People, people
from disentangle.puir.fitted import Fitted as FittedPUIR
from disentangle.sdnet import train as sdnet
from disentangle.sdnet.config import AdversaryConfig, SDNetConfig

_CHUNK = 64


def fit_sdnet(training: Part, validation: Part, seed: int, effort: Effort) -> TwoCodes:
    """SDNet, told the tissue masks of all training images: biology is s, nuisance the mean of z."""
    fitted = sdnet.fit(training.cohort(), sdnet_config(effort), seed, labelled=np.arange(len(training.flat)))

    def encode(images: np.ndarray, brain: np.ndarray) -> Codes:
        found = sdnet.factors(fitted, images[:, None])
        return Codes(found.anatomy, found.modality)

    return TwoCodes(
        encode,
        lambda biology, nuisance, brain: sdnet.decode(fitted, biology, nuisance)[:, 0],
        fitted.fit_seconds,
        parameters_of(fitted.model),
        {"curve": curve(fitted.history.rows, "supervised_reconstruction")},
    )


def sdnet_config(effort: Effort) -> SDNetConfig:
    """The configuration of the chapter on few labels, for three tissues and 64 pixels."""
    config = SDNetConfig(
        image_size=64, adversary=AdversaryConfig(weight=1.0), rounding="argmax", unlabelled_every=8
    ).with_training(steps=effort.sdnet, learning_rate=effort.sdnet_rate, device=effort.device)
    return config if not effort.small else replace(config, base=4, anatomy_channels=6)


def fit_anatomy_uad(training: Part, validation: Part, seed: int, effort: Effort) -> TwoCodes:
    """The first stage of the anomaly detector, told the pairs of T1 and T2: biology is the tissues, nuisance z."""
    fitted = uad.fit_first_stage(pairs(training), uad_config(effort), seed)
    model, levels = fitted.model, fitted.model.levels.cpu()

    def encode(images: np.ndarray, brain: np.ndarray) -> Codes:
        slices = checked_slices(images, brain, SEQUENCES[0])
        tissues = uad.anatomy(fitted, slices)
        return Codes(np.stack([tissues == number for number in (1, 2, 3)], 1), uad.modality(fitted, slices))

    @torch.no_grad()
    def decode(biology: np.ndarray, nuisance: np.ndarray, brain: np.ndarray) -> np.ndarray:
        drawn = []
        for start in range(0, len(biology), _CHUNK):
            rows = slice(start, start + _CHUNK)
            anatomy = (torch.from_numpy(biology[rows]) * levels[:, None, None]).sum(1, keepdim=True)
            inside = torch.from_numpy(brain[rows])[:, None].float().to(fitted.device)
            code = model.code(anatomy.to(fitted.device))
            drawn.append(model.combine(code, torch.from_numpy(nuisance[rows]).to(fitted.device), inside).cpu())
        return torch.cat(drawn)[:, 0].numpy()

    used = sum(parameters_of(part) for part in model.first_stage)
    facts = {"curve": curve(fitted.history.rows, "reconstruction")}
    return TwoCodes(encode, decode, fitted.fit_seconds, used, facts)


def uad_config(effort: Effort) -> DALConfig:
    """The chapter's configuration."""
    changes = {"device": effort.device, "learning_rate": effort.uad_rate}
    return DALConfig(base=4 if effort.small else 16).with_steps(effort.uad, 1, **changes)


def pairs(training: Part) -> Pairs:
    """T1 and T2 of every head, section and site, all sites pooled."""
    first, second = (_slices(training, name) for name in SEQUENCES)
    return Pairs(first, second)


@dataclass(frozen=True)
class Puir:
    """PUIR fitted with the six styles as its modalities: biology is X_h; a style is asked for by its name."""

    fitted: FittedPUIR
    fit_seconds: float
    parameters: int
    facts: dict

    def codes(self, part: Part) -> Codes:
        """X_h of each row, (row, channel, 8, 8); no nuisance."""
        found = puir.invariants(self.fitted, six_modalities(part))
        return Codes(found.reshape(-1, found.shape[2], *found.shape[-2:]), None)

    def swaps(self, part: Part, donors: np.ndarray) -> np.ndarray:
        """Every channel drawn from every style; donors are not looked at."""
        drawn = puir.transfer(self.fitted, six_modalities(part))[:, :, :, 0]
        return drawn.reshape(*part.grid, part.grid[2], *drawn.shape[-2:]) * part.brain[:, :, None, None]


def fit_puir(training: Part, validation: Part, seed: int, effort: Effort) -> Puir:
    """PUIR on single sections, told which images show the same head and section, and in which style."""
    fitted = puir.fit(six_modalities(training), puir_config(effort), seed)
    facts = {"curve": curve(fitted.history.rows, "reconstruction"), "spread_left": round(fitted.spread_left, 3)}
    return Puir(fitted, fitted.fit_seconds, parameters_of(fitted.model), facts)


def puir_config(effort: Effort) -> PUIRConfig:
    """The chapter's configuration for slices."""
    first, second = effort.puir
    base = PUIRConfig(modalities=STYLES, side=64, flat=True, decoded=1)
    base = base.with_training(learning_rate=effort.puir_rate, device=effort.device)
    return replace(
        base,
        pretraining=replace(base.pretraining, steps=first),
        transfer=replace(base.transfer, steps=second),
        widths=(8, 16, 16) if effort.small else base.widths,
    )


def six_modalities(part: Part) -> People:
    """Every section as one person of six modalities, (head * section, style, 1, side, side)."""
    images = part.images.reshape(-1, part.grid[2], 1, *part.images.shape[3:])
    return people(images, STYLES, None, foreground=part.brain.reshape(-1, 1, *part.brain.shape[2:]))


def curve(rows: list[dict], term: str, points: int = 8) -> list[list[float]]:
    """Step and a term of the loss at about ``points`` steps, means over the steps between."""
    kept = np.array([[row["step"], row[term]] for row in rows if term in row], float).reshape(-1, 2)
    parts = np.array_split(kept, min(points, len(kept))) if len(kept) else []
    return [[int(part[-1, 0]), round(float(part[:, 1].mean()), 5)] for part in parts]


def _slices(part: Part, sequence: str) -> Slices:
    """All images of a sequence, of whatever site."""
    rows = np.array([name.endswith(sequence) for name in STYLES])[part.style]
    subject = part.subjects[part.head[rows]]
    return checked_slices(part.flat[rows], part.flat_brain[rows], sequence, 1.0, subject)
