"""What SDNet is compared with (section 4.3): a U-Net, a U-Net with mask discriminator (GAN), and self-training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from disentangle.cache import Stored, cached
from disentangle.device import mixed_seed, seeded
from disentangle.imaging.cohort import Cohort
from disentangle.networks.unet import UNet
from disentangle.sdnet.adversary import MaskAdversary, inference
from disentangle.sdnet.config import SelfTrainingConfig, UNetConfig
from disentangle.sdnet.data import UNKNOWN, Rows, Streams, TrainingData, data_parts, training_data, validation_tensors
from disentangle.sdnet.fitted import Fitted, mapped, restored, stored
from disentangle.sdnet.losses import one_hot, pooled_dice_loss
from disentangle.sdnet.rest import Rests
from disentangle.training import History, Task, train


class SegmentingUNet(nn.Module):
    """Images (batch, 1, side, side) in -1..1 -> probabilities of background and classes."""

    def __init__(self, config: UNetConfig):
        super().__init__()
        self.unet = UNet(1, config.classes + 1, config.base, momentum=config.norm_momentum)

    def probabilities(self, images: Tensor) -> Tensor:
        """Probabilities (batch, 1 + classes, side, side), background first."""
        return self.unet(images).float().softmax(1)


class UNetTask(Task):
    """Dice on labelled images; with an adversary also the steps ``unsupervised`` and ``discriminator``."""

    def __init__(self, config: UNetConfig, unlabelled: bool = True):
        super().__init__()
        self.config, self.model = config, SegmentingUNet(config)
        wanted = config.adversary is not None and unlabelled
        self.adversary = MaskAdversary(config.adversary, config.classes, config.image_size) if wanted else None
        self.rests = Rests(config.unlabelled_every)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        network = list(self.model.parameters())
        if self.adversary is None:
            return {"supervised": network}
        judge = list(self.adversary.discriminator.parameters())
        return {"supervised": network, "unsupervised": network, "discriminator": judge}

    def losses(self, batch: dict[str, Tensor], step: int, group: str) -> dict[str, Tensor]:
        if group == "supervised":
            return self._supervised(batch)
        if self.rests.at(step):
            return self.rests.losses(group)
        return self.rests.remembered(group, self._without_labels(batch, step, group))

    def _without_labels(self, batch: dict[str, Tensor], step: int, group: str) -> dict[str, Tensor]:
        if group == "unsupervised":
            term = self.adversary.generator_loss(self.model.probabilities(batch["unlabelled_image"])[:, 1:])
            return {"loss": self.config.adversary.weight * term, "adversarial": term}
        with inference(self.model):
            fake = self.model.probabilities(batch["pool_image"])[:, 1:]
        return self.adversary.losses(one_hot(batch["masks_label"], self.config.classes)[0], fake, self.rests.turn(step))

    def validation_losses(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """One minus the soft Dice, pooled over classes."""
        masks, _ = one_hot(batch["labelled_label"], self.config.classes)
        return {"loss": pooled_dice_loss(self.model.probabilities(batch["labelled_image"])[:, 1:], masks)}

    def _supervised(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        predicted = self.model.probabilities(batch["labelled_image"])[:, 1:]
        masks, known = one_hot(batch["labelled_label"], self.config.classes)
        dice = pooled_dice_loss(predicted, masks, known, released=self.config.dice == "released")
        terms = {"loss": self.config.segmentation_weight * dice, "dice": dice}
        if self.adversary is not None and self.config.adversary.images == "all":
            terms["adversarial"] = self.adversary.generator_loss(predicted)
            terms["loss"] = terms["loss"] + self.config.adversary.weight * terms["adversarial"]
        return terms


def fit_unet(
    data: Cohort,
    config: UNetConfig,
    seed: int,
    *,
    labelled: Rows,
    unlabelled: Rows | None = None,
    validation: Cohort | None = None,
    cache: bool = True,
) -> Fitted:
    """Train the U-Net, or with ``config.adversary`` the GAN; the arguments are those of `train.fit`.

    Without an adversary the unlabelled images are not used.
    """
    if config.adversary is None:
        unlabelled = np.array([], dtype=int)
    tensors, held_out = _tensors(data, config, labelled, unlabelled, validation)

    def make(checkpoint: Path | None) -> Stored:
        task = _new_task(config, seed, len(tensors.rows["unlabelled"]) > 0)
        history = _train(task, tensors, config, seed, held_out, checkpoint)
        return stored(task.model, history)

    parts = asdict(config) | {"training": config.training.numerics()}
    return _kept("sdnet_unet", config, parts, seed, tensors, held_out, make, cache)


def fit_self_training(
    data: Cohort,
    config: SelfTrainingConfig,
    seed: int,
    *,
    labelled: Rows,
    unlabelled: Rows | None = None,
    validation: Cohort | None = None,
    cache: bool = True,
) -> Fitted:
    """Train a U-Net on labels and on its own predictions; the arguments are those of `train.fit`."""
    network = config.network
    tensors, held_out = _tensors(data, network, labelled, unlabelled, validation)

    def make(_: Path | None) -> Stored:
        return _self_trained(tensors, config, seed, held_out)

    parts = asdict(config)
    parts["network"]["training"] = network.training.numerics()
    return _kept("sdnet_self_training", network, parts, seed, tensors, held_out, make, cache)


def _self_trained(tensors: TrainingData, config: SelfTrainingConfig, seed: int, held_out: dict | None) -> Stored:
    """Warm up, then in each round adopt predictions as labels of the images that have none, and train on."""
    network = config.network
    first = max(1, round(config.warmup * network.training.steps))
    later = max(1, (network.training.steps - first) // config.rounds)
    task, total, done = _new_task(network, seed, False), History(), 0
    for number in range(config.rounds + 1):
        steps = later if number else first
        known = _with_predictions(tensors, task, config) if number else _labelled_alone(tensors)
        staged = replace(network, training=replace(network.training, steps=steps))
        history = _train(task, known, staged, mixed_seed(seed, "round", number), held_out, None)
        total.rows += [row | {"step": row["step"] + done, "round": number} for row in history.rows]
        total.seconds, done = total.seconds + history.seconds, done + steps
    return stored(task.model, total)


def _with_predictions(tensors: TrainingData, task: UNetTask, config: SelfTrainingConfig) -> TrainingData:
    """The same images, all labelled: unlabelled ones as the network sees them now."""
    labelled, others = tensors.rows["labelled"], tensors.rows["unlabelled"]
    others = others[~torch.isin(others, labelled)]
    now = Fitted(task.model, config.network, History(), 0.0, False)
    labels = tensors.labels.clone()
    if len(others):
        guess = mapped(now, lambda part: _adopted(task.model.probabilities(part), config), tensors.images[others])
        labels[others] = torch.from_numpy(guess)
    return TrainingData(tensors.images, labels, {"labelled": torch.cat([labelled, others])})


def _labelled_alone(tensors: TrainingData) -> TrainingData:
    return TrainingData(tensors.images, tensors.labels, {"labelled": tensors.rows["labelled"]})


def _adopted(probabilities: Tensor, config: SelfTrainingConfig) -> Tensor:
    """Most probable labels (batch, height, width) int8; unknown where not confident enough."""
    highest, labels = probabilities.max(1)
    return torch.where(highest >= (config.confidence or 0), labels, UNKNOWN).to(torch.int8)


def _tensors(
    data: Cohort, config: UNetConfig, labelled: Rows, unlabelled: Rows | None, validation: Cohort | None
) -> tuple[TrainingData, dict | None]:
    masks = config.adversary.masks if config.adversary else None
    tensors = training_data(data, config.classes, config.image_size, labelled, unlabelled, masks)
    return tensors, validation_tensors(data, validation, config.classes, config.image_size)


def _train(
    task: UNetTask, tensors: TrainingData, config: UNetConfig, seed: int, held_out: dict | None, checkpoint: Path | None
) -> History:
    streams = Streams(tensors, config.training.batch_size, seed, config.rotation)
    return train(task, streams, config.training, seed, validation=held_out, checkpoint=checkpoint)


def _kept(
    kind: str,
    config: UNetConfig,
    parts: dict,
    seed: int,
    tensors: TrainingData,
    held_out: dict | None,
    make: Callable[[Path | None], Stored],
    cache: bool,
) -> Fitted:
    """The trained network, from the cache where it has it."""
    parts = parts | {"seed": seed} | data_parts(tensors, held_out)
    kept, from_cache = cached(kind, parts, __name__, make) if cache else (make(None), False)
    return restored(_new_task(config, seed, False).model, config, config.training, kept, from_cache)


def _new_task(config: UNetConfig, seed: int, unlabelled: bool) -> UNetTask:
    with seeded(seed, "unet"):
        return UNetTask(config, unlabelled).eval().to(memory_format=torch.channels_last)
