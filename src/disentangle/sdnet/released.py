"""SDNet with the release's optimiser: Adam with beta1 0.5, whose rate is divided a little further as training goes on.

Beside `train.fit`, which all committed scores come from: it has beta1 0.9 and the schedules of `training.Settings`.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import torch

from disentangle.cache import Stored, cached
from disentangle.imaging.cohort import Cohort
from disentangle.sdnet.config import SDNetConfig, check_choices, check_numbers
from disentangle.sdnet.data import Rows, Streams, data_parts, training_data
from disentangle.sdnet.fitted import Fitted, restored, stored
from disentangle.sdnet.splits import FewLabels
from disentangle.sdnet.train import new_task
from disentangle.training import _Loop


@dataclass(frozen=True)
class Optimiser:
    """Adam as released; paper and code differ in what the decay counts.

    ``beta1`` and ``epsilon`` are Adam's (code 0.5; 1e-7 is the default of its framework). The rate is divided by
    1 + ``decay`` * t (1e-4), where t counts each ``update`` (code) or ``pass`` through the images (paper). Every group
    of parameters has moments of its own, also the two that the release updates by one optimiser (z of labelled and of
    unlabelled images).
    """

    beta1: float = 0.5
    epsilon: float = 1e-7
    decay: float = 1e-4
    decay_per: Literal["update", "pass"] = "update"

    def __post_init__(self) -> None:
        check_choices(self)
        check_numbers(self, least=0, names=("beta1", "epsilon", "decay"))
        if self.beta1 >= 1:
            raise ValueError(f"beta1 is {self.beta1}, expected 0 to below 1")

    def rate(self, rate: float, step: int, steps_of_pass: int) -> float:
        """The learning rate at a step, of the rate that the settings give there."""
        return rate / (1 + self.decay * (step if self.decay_per == "update" else step // steps_of_pass))


def fit(
    data: Cohort,
    config: SDNetConfig,
    seed: int,
    *,
    labelled: Rows,
    unlabelled: Rows | None = None,
    optimiser: Optimiser | None = None,
    cache: bool = True,
) -> Fitted:
    """As `train.fit`, without validation, with another ``optimiser`` (None: `Optimiser()`, as released).

    The decay comes on top of ``config.training.schedule``, which the release has constant. A pass is as many steps as
    the larger of the labelled and the unlabelled images has batches. Raises ValueError for data that do not fit.
    """
    optimiser = optimiser or Optimiser()
    masks = config.adversary.masks if config.adversary else None
    tensors = training_data(data, config.classes, config.image_size, labelled, unlabelled, masks)
    training, most = config.training, max(len(tensors.rows["labelled"]), len(tensors.rows["unlabelled"]))

    def make(checkpoint: Path | None) -> Stored:
        task = new_task(config, seed, len(tensors.rows["unlabelled"]) > 0)
        streams = Streams(tensors, training.batch_size, seed, config.rotation)
        loop = _ReleasedLoop(task, streams, training, seed, None, checkpoint)
        loop.use(optimiser, math.ceil(most / training.batch_size))
        with torch.random.fork_rng():
            loop.resume()
            loop.run()
        task.eval()
        return stored(task.model, loop.history)

    parts = asdict(config) | {"training": training.numerics(), "seed": seed, "optimiser": asdict(optimiser)}
    parts |= data_parts(tensors, None)
    kept, from_cache = cached("sdnet", parts, __name__, make) if cache else (make(None), False)
    return restored(new_task(config, seed, False).model, config, training, kept, from_cache)


def trained(cohort: Cohort, split: FewLabels, seed: int, config: SDNetConfig) -> Fitted:
    """SDNet fitted so to the training people of a split."""
    rows = {"labelled": split.labelled[split.train], "unlabelled": split.unlabelled[split.train]}
    return fit(cohort.select(split.train), config, seed, **rows)


class _ReleasedLoop(_Loop):
    """The one loop, with another Adam."""

    def use(self, optimiser: Optimiser, steps_of_pass: int) -> None:
        self.optimiser, self.steps_of_pass = optimiser, steps_of_pass
        for adam in self.optimizers.values():
            for parameters in adam.param_groups:
                parameters |= {"betas": (optimiser.beta1, 0.999), "eps": optimiser.epsilon}

    def _learning_rate(self) -> float:
        return self.optimiser.rate(super()._learning_rate(), self.step, self.steps_of_pass)

    def _identity(self) -> dict[str, str]:
        return super()._identity() | {"optimiser": json.dumps(asdict(self.optimiser), sort_keys=True)}
