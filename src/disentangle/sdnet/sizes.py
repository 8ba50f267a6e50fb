"""Cells that ask how large the factors must be (section 5.6): other numbers of channels in s and of dimensions in z.

Everything else is as in the ablation's cells, whose SDNet with eight of both they are compared with.
"""

from __future__ import annotations

from dataclasses import replace

from disentangle.sdnet.ablation import (
    PAIRS,
    STEPS,
    both_modalities,
    configuration,
    factor_scores,
    split_of,
    trained,
)
from disentangle.sdnet.config import SDNetConfig
from disentangle.sdnet.scores import scores_by_person
from disentangle.sdnet.swaps import draw_pairs, swap_errors, swap_scores
from disentangle.sdnet.train import segment

SIZES: dict[str, dict[str, int]] = {
    "channels_4": {"anatomy_channels": 4},
    "channels_16": {"anatomy_channels": 16},
    "z_4": {"modality_size": 4},
    "z_32": {"modality_size": 32},
    "z_128": {"modality_size": 128},
}
"""The paper's numbers, and 16 channels."""


def sized(variant: str, steps: int = STEPS) -> SDNetConfig:
    """The ablation's configuration with a size of `SIZES`; raises ValueError for another name."""
    if variant not in SIZES:
        raise ValueError(f"no variant {variant!r}, expected one of {', '.join(SIZES)}")
    return replace(configuration(steps=steps), **SIZES[variant])


def size_cell(variant: str, seed: int) -> dict:
    """One training, scored as those of the ablation."""
    training, test = split_of(both_modalities())
    fitted = trained(training, sized(variant), seed, cache=False)
    return {
        "people": [
            {name: person[name] for name in ("subject", "rv", "myo", "lv", "mean")}
            for person in scores_by_person(test, segment(fitted, test))
        ],
        "swaps": swap_scores(swap_errors(fitted, test, draw_pairs(test, PAIRS, 0, across="modality"))),
        "fit_seconds": round(fitted.fit_seconds, 1),
    } | factor_scores(fitted, training, test)
