"""Cells that were added to the grid of transfer later, beside `experiment`, whose finished cells stay fresh."""

from __future__ import annotations

from dataclasses import replace

from disentangle.puir.baselines import parameters
from disentangle.puir.cohorts import JITTER, people_of, split
from disentangle.puir.config import PUIRConfig, matched
from disentangle.puir.experiment import configuration, curve, drawn_scores, invariant_scores
from disentangle.puir.scores import rounded
from disentangle.puir.train import fit, transfer


def short(config: PUIRConfig) -> PUIRConfig:
    """The matched network with the steps of PUIR's second stage alone: what PUIR would be without its first."""
    return replace(matched(config), transfer=config.transfer)


def short_cell(method: str, seed: int, jitter: float = JITTER) -> dict:
    """As `experiment.transfer_cell`, of the matched network trained for as long as PUIR learns transfer."""
    found = split("brain", jitter)
    config = short(configuration(found.modalities))
    fitted = fit(people_of(found.training), config, seed, cache=False)
    scores = {
        "fit_seconds": round(fitted.fit_seconds, 1),
        "spread_left": rounded(fitted.spread_left),
        "parameters": parameters(config),
        "curve": curve(fitted),
    }
    scores |= drawn_scores(found, lambda data: transfer(fitted, data), with_others=jitter == JITTER)
    return scores | invariant_scores(fitted, found.test)
