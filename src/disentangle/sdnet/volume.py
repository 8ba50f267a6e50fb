"""Volume of the left ventricle read from the anatomy factor (section 5.2).

An SDNet that knows the masks of few people is trained on as a whole, with all its losses and with a small network that
reads the area of the left ventricle in each slice from s. Areas are known of more people than masks are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from disentangle.batches import Batches
from disentangle.device import mixed_seed, seeded
from disentangle.imaging.cohort import Cohort
from disentangle.sdnet.config import SDNetConfig
from disentangle.sdnet.data import Data, Rows, Streams, TrainingData, checked_images, rotated, training_data
from disentangle.sdnet.fitted import Fitted, mapped, restored, stored
from disentangle.sdnet.objective import SDNetTask
from disentangle.sdnet.train import new_task
from disentangle.training import train

UNIT = 1 / 16
"""Areas are learned in this share of the picture: a large ventricle at end-diastole is about 1."""


class AreaHead(nn.Module):
    """s (batch, channel, side, side) -> area of the left ventricle (batch,) in `UNIT`, from 0 on.

    Two 3 x 3 convolutions with 16 filters, two dense layers (paper). Their stride of 2, and softplus at the end for the
    paper's ReLU, behind which an output can die, are ours.
    """

    def __init__(self, channels: int, side: int, filters: int = 16):
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Conv2d(channels, filters, 3, stride=2, padding=1), nn.ReLU()),
            *(nn.Conv2d(filters, filters, 3, stride=2, padding=1), nn.ReLU()),
            *(nn.Flatten(), nn.Linear(filters * math.ceil(side / 4) ** 2, 16), nn.ReLU()),
            *(nn.Linear(16, 1), nn.Softplus()),
        )

    def forward(self, anatomy: Tensor) -> Tensor:
        return self.layers(anatomy).squeeze(1)


class VolumeTask(SDNetTask):
    """SDNet's losses; with ``head``, in the step on labelled images, the squared error of areas as well."""

    def __init__(self, config: SDNetConfig, head: bool):
        super().__init__(config)
        self.head = AreaHead(config.anatomy_channels, config.image_size) if head else None

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        groups = super().parameter_groups()
        if self.head is not None:
            groups["supervised"] = [*groups["supervised"], *self.head.parameters()]
        return groups

    def losses(self, batch: dict[str, Tensor], step: int, group: str) -> dict[str, Tensor]:
        terms = super().losses(batch, step, group)
        if group != "supervised" or self.head is None:
            return terms
        area = F.mse_loss(self.head(self.model.anatomy(batch["area_image"])), batch["area"])
        return terms | {"loss": terms["loss"] + area, "area": area}


class AreaStreams(Streams):
    """`Streams` with a further one of images whose areas are known: ``area_image`` and ``area`` in `UNIT`."""

    def __init__(self, data: TrainingData, rows: Tensor, areas: Tensor, batch_size: int, seed: int, rotation: float):
        super().__init__(data, batch_size, seed, rotation)
        self.of_areas = Batches({"row": rows, "area": areas}, batch_size, mixed_seed(seed, "areas"))

    def to(self, device: torch.device) -> AreaStreams:
        super().to(device)
        self.of_areas.to(device)
        return self

    def at(self, step: int) -> dict[str, Tensor]:
        found = self.of_areas.at(step)
        generator = torch.Generator().manual_seed(mixed_seed(self.seed, "rotation of areas", step))
        angles = (2 * torch.rand(len(found["row"]), generator=generator) - 1) * math.radians(self.rotation)
        images = rotated(self.tensors["image"][found["row"]], angles)
        return super().at(step) | {"area_image": images, "area": found["area"]}


class Tuned(NamedTuple):
    """The model after fine-tuning, and its head (None where it was tuned without areas)."""

    fitted: Fitted
    head: AreaHead | None


def fine_tune(
    base: Fitted,
    data: Cohort,
    config: SDNetConfig,
    seed: int,
    *,
    labelled: Rows,
    unlabelled: Rows,
    pixels: Sequence[float],
    with_head: bool = True,
) -> Tuned:
    """Train an SDNet on, from the weights of ``base``, as ``config.training`` says.

    ``pixels`` has the area of the left ventricle in each image of ``data``, NaN where it is not known. The
    discriminator starts anew. Without ``with_head`` the same steps are made on the same images without the areas, for
    comparison. Raises ValueError where no area is known, or not one for each image.
    """
    areas = torch.as_tensor(np.asarray(pixels, np.float32))
    known = (~areas.isnan()).nonzero().squeeze(1)
    if len(areas) != len(data) or not len(known):
        raise ValueError(f"{len(areas)} areas of {len(data)} images, {len(known)} of them known: expected one for each")
    masks = config.adversary.masks if config.adversary else None
    tensors = training_data(data, config.classes, config.image_size, labelled, unlabelled, masks)
    with seeded(seed, "volume"):
        task = VolumeTask(config, with_head).eval().to(memory_format=torch.channels_last)
    task.model.load_state_dict(base.model.state_dict())
    units = areas[known] / (UNIT * config.image_size**2)
    streams = AreaStreams(tensors, known, units, config.training.batch_size, seed, config.rotation)
    history = train(task, streams, config.training, seed)
    fitted = restored(new_task(config, seed, False).model, config, config.training, stored(task.model, history), False)
    return Tuned(fitted, task.head)


def areas(tuned: Tuned, data: Data) -> np.ndarray:
    """Pixels of the left ventricle in each image (image,), as the head reads them from s. ValueError without a head."""
    if tuned.head is None:
        raise ValueError("the model was tuned without areas and has no head that reads them")
    model, unit = tuned.fitted.model, UNIT * tuned.fitted.image_size**2
    tuned.head.eval()
    return mapped(
        tuned.fitted, lambda part: tuned.head(model.anatomy(part)) * unit, checked_images(data, tuned.fitted.image_size)
    )
