"""Segment whole tumour, tumour core and enhancing tumour from whichever modalities a person has.

The X_h of a person's modalities are averaged, and so are their skips; the decoder then draws logits of the regions.
Which form the paper's segmentation has was not readable: this one is ours.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from disentangle.batches import Batches
from disentangle.cache import Stored, cached, checksum
from disentangle.device import seeded
from disentangle.puir.config import PUIRConfig, SegmentationConfig
from disentangle.puir.data import Images, People, people
from disentangle.puir.fitted import CHUNK, Fitted, restored, stored
from disentangle.puir.model import PUIR, carry_over
from disentangle.puir.objective import Task3D
from disentangle.training import train

REGIONS: dict[str, tuple[int, ...]] = {"wt": (1, 2, 3), "tc": (1, 3), "et": (3,)}
"""Labels of BraTS 2023 in each region: 1 necrosis and tumour that does not enhance, 2 oedema, 3 enhancing tumour."""


class SegmentingPUIR(PUIR):
    """PUIR whose decoder draws a logit for each region."""

    def forward(self, images: Tensor, given: Tensor) -> Tensor:
        """Logits (person, region, ...) from the ``given`` (person, modality) of images (person, modality, ...)."""
        persons = given.nonzero()[:, 0]
        skips, features = self.encode(images[given][:, None])
        shared = [averaged(maps, persons, len(images)) for maps in [*skips, self.invariant(features)]]
        return self.decode(shared[-1], shared[:-1])


def averaged(maps: Tensor, persons: Tensor, count: int) -> Tensor:
    """Mean of maps (volume, ...) over the volumes of each person, (count, ...); ``persons`` (volume,)."""
    total = maps.new_zeros(count, *maps.shape[1:]).index_add(0, persons, maps)
    number = torch.bincount(persons, minlength=count).clamp(min=1)
    return total / number.view(-1, *[1] * (maps.ndim - 1)).to(total.dtype)


def regions(labels: np.ndarray, names: tuple[str, ...] = tuple(REGIONS)) -> np.ndarray:
    """Masks (person, region, ...) bool of label maps (person, ...) of BraTS 2023.

    Raises ValueError for other labels; those of BraTS 2018 to 2020 have 4 where 2023 has 3.
    """
    labels = np.asarray(labels)
    foreign = sorted(set(np.unique(labels).tolist()) - {0, 1, 2, 3})
    if foreign:
        remedy = "; 4 is the enhancing tumour of BraTS 2018 to 2020: give it as 3" if foreign == [4] else ""
        raise ValueError(f"labels {foreign} are none of BraTS 2023, expected 0, 1, 2, 3{remedy}")
    return np.stack([np.isin(labels, REGIONS[name]) for name in names], 1)


def subsets(modalities: int) -> np.ndarray:
    """All subsets that are not empty, (subset, modality) bool, small ones first: 15 of four modalities."""
    every = [given for given in product((False, True), repeat=modalities) if any(given)]
    return np.array(sorted(every, key=lambda given: (sum(given), [not there for there in given])))


def random_subset(present: Tensor) -> Tensor:
    """For each person some of the present modalities, each subset that is not empty equally likely; (person, modality).

    A modality is kept with probability 1/2, and whoever keeps none draws again.
    """
    given = torch.zeros_like(present)
    empty = present.any(1)
    while empty.any():
        drawn = present & (torch.rand(present.shape, device=present.device) < 0.5)
        given = torch.where(empty[:, None], drawn, given)
        empty = present.any(1) & ~given.any(1)
    return given


def segmentation_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """1 - soft Dice of each region over the batch, mean, plus binary cross-entropy; in 32 bit."""
    logits, masks = logits.float(), masks.float()
    return _dice()(logits, masks) + F.binary_cross_entropy_with_logits(logits, masks)


class SegmentationTask(Task3D):
    """The segmenting network on random subsets of each person's modalities."""

    def __init__(self, config: PUIRConfig, regions_drawn: int):
        super().__init__()
        self.model = SegmentingPUIR(config, outputs=regions_drawn)

    def losses(self, batch: dict[str, Tensor], step: int, group: str) -> dict[str, Tensor]:
        logits = self.model(batch["images"], random_subset(batch["present"]))
        return {"loss": segmentation_loss(logits, batch["masks"])}

    def validation_losses(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The loss with all modalities that a person has."""
        return {"loss": segmentation_loss(self.model(batch["images"], batch["present"]), batch["masks"])}


def fit_segmentation(
    images: Images | People,
    masks: np.ndarray,
    config: PUIRConfig,
    seed: int,
    *,
    segmentation: SegmentationConfig | None = None,
    start: Fitted | None = None,
    present: np.ndarray | None = None,
    foreground: np.ndarray | None = None,
    validation: tuple[Images | People, np.ndarray] | None = None,
    cache: bool = True,
) -> Fitted:
    """Learn to segment ``masks`` (person, region, side, side, side), as `regions` makes them.

    From the weights of ``start``, pre-trained or with transfer learned, except its last layer; without, from new ones.
    Images as in `data.people`; ``validation`` has images and masks of other people. Equal calls come from the cache.
    """
    segmentation = segmentation or SegmentationConfig()
    settings = segmentation.training
    data = people(images, config.modalities, config.sides, present=present, foreground=foreground)
    tensors = _with_masks(data, masks, segmentation)
    held_out = None
    if validation is not None:
        others = people(validation[0], config.modalities, config.sides)
        held_out = _with_masks(others, validation[1], segmentation)

    def make(checkpoint: Path | None) -> Stored:
        task = _new_task(config, seed, segmentation)
        if start is not None:
            carry_over(task.model, _without_last_layer(start))
        batches = Batches(tensors, settings.batch_size, seed)
        history = train(task, batches, settings, seed, validation=held_out, checkpoint=checkpoint)
        return stored(task.model, history, 1.0, start.fit_seconds if start else 0.0)

    described = {name: value for name, value in asdict(config).items() if name not in ("pretraining", "transfer")}
    parts = {
        "config": described,
        "segmentation": asdict(segmentation) | {"training": settings.numerics()},
        "seed": seed,
        "data": checksum(*tensors.values()),
        "validation": checksum(*held_out.values()) if held_out else None,
        "start": checksum(*start.model.state_dict().values()) if start else None,
    }
    kept, from_cache = cached("puir_segmentation", parts, __name__, make) if cache else (make(None), False)
    return restored(_new_task(config, seed, segmentation).model, config, settings, kept, from_cache)


@torch.no_grad()
def segment(
    fitted: Fitted, images: Images | People, given: np.ndarray | None = None, **facts: np.ndarray | None
) -> np.ndarray:
    """Probabilities (person, region, side, side, side) float32 from some of the modalities.

    ``given`` (modality,) or (person, modality) bool leaves modalities out of those that a person has; None uses all.
    Raises ValueError where nothing is left of a person's modalities.
    """
    data = people(images, fitted.config.modalities, fitted.config.sides, **facts)
    chosen = data.present if given is None else data.present & torch.from_numpy(np.asarray(given, bool))
    if not chosen.any(1).all():
        person = int((~chosen.any(1)).nonzero()[0])
        raise ValueError(f"person {person} has none of the modalities given, expected at least one")
    fitted.model.eval()
    people_at_once = max(1, CHUNK // data.present.shape[1])
    parts = zip(data.images.split(people_at_once), chosen.split(people_at_once), strict=True)
    found = [fitted.model(*(part.to(fitted.device) for part in some)).float().sigmoid().cpu() for some in parts]
    return torch.cat(found).numpy()


def _new_task(config: PUIRConfig, seed: int, segmentation: SegmentationConfig) -> SegmentationTask:
    with seeded(seed, "puir"):
        return SegmentationTask(config, len(segmentation.regions)).eval()


def _without_last_layer(start: Fitted) -> dict[str, Tensor]:
    head = {id(parameter) for parameter in start.model.backbone.head.parameters()}
    last = {name for name, parameter in start.model.named_parameters() if id(parameter) in head}
    return {name: value for name, value in start.model.state_dict().items() if name not in last}


def _with_masks(data: People, masks: np.ndarray, segmentation: SegmentationConfig) -> dict[str, Tensor]:
    expected = (len(data), len(segmentation.regions), *data.images.shape[2:])
    if np.shape(masks) != expected:
        raise ValueError(f"masks have the shape {np.shape(masks)}, expected {expected}: person, region, grid")
    return {"images": data.images, "present": data.present, "masks": torch.from_numpy(np.asarray(masks, bool))}


@lru_cache
def _dice():
    from monai.losses import DiceLoss  # slow to load, and not needed to apply a model

    return DiceLoss(sigmoid=True, batch=True)
