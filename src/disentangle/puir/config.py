"""Settings of PUIR and of the networks that it is compared with, with one preset for each profile.

Where paper and released code differ or say nothing, the difference is a named option. Sizes, steps and learning rates
of the presets are ours; the released ones need a window of 96 voxels and days on a GPU.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args, get_origin, get_type_hints

from disentangle.puir.rotations import Group
from disentangle.training import Settings

PRETRAINING = Settings(steps=250, batch_size=4, learning_rate=2e-3, weight_decay=1e-5, precision="32")
TRANSFER = Settings(steps=150, batch_size=4, learning_rate=2e-3, weight_decay=1e-5, precision="32")
SEGMENTATION = Settings(steps=120, batch_size=4, learning_rate=2e-3, weight_decay=1e-5, precision="32")
SMALLEST_SIDES = {"unet": 16, "swin": 64}
STRIDES = {"unet": 8, "swin": 32}


def check_choices(config: object) -> None:
    """Raise ValueError where a field declared as a Literal holds something else."""
    for name, declared in get_type_hints(type(config)).items():
        choices, found = get_args(declared), getattr(config, name)
        if get_origin(declared) is Literal and found not in choices:
            raise ValueError(f"{name} is {found!r}, expected one of {choices}")


@dataclass(frozen=True)
class Weights:
    """Weights of the four constraints, 1 each in the paper [secondary]. All zero: the matched network.

    ``decomposition`` counts in pre-training; when tasks are learned, the reconstruction is the task and has weight 1.
    ``equivariance`` weighs the feature level (ours) and the class of the rotation (released).
    """

    contrast: float = 1.0
    decomposition: float = 1.0
    equivariance: float = 1.0
    invariance: float = 1.0

    def __post_init__(self) -> None:
        for name, weight in vars(self).items():
            if not weight >= 0:
                raise ValueError(f"weight of {name} is {weight}, expected at least 0")

    @property
    def any(self) -> bool:
        """Whether anything is asked at all."""
        return max(vars(self).values()) > 0

    @property
    def constrains_features(self) -> bool:
        """Whether any term looks at features."""
        return max(self.contrast, self.equivariance, self.invariance) > 0


@dataclass(frozen=True)
class PUIRConfig:
    """PUIR for cubes of ``side`` voxels of the named ``modalities``.

    ``flat``: slices of one voxel in depth instead of cubes (ours), for the U-Net and rotations in the plane.

    Network. ``backbone``: ``unet`` of three ``widths`` at 1/2, 1/4 and 1/8 of the side, or MONAI's ``swin`` of
    ``swin_features`` (from 64 voxels on). ``completion`` False leaves prior, attention, transfer block and fusion out.
    ``attention`` ``channel``: tokens are channels, as released, which ties weights to the side; ``spatial``: tokens
    are places. ``prior``: ``learned``, ``frozen`` at its random start, or ``none`` (features ask themselves).
    ``fusion`` ``pair`` completes with another modality's feature in pre-training and with the transfer block later
    (our reading), ``released`` has the feature twice. ``skips`` False cuts raw detail off in every stage; pre-training
    always does without.

    Losses: `Weights`; reconstruction ``foreground_weight`` and ``whole_weight``. ``positives`` of the contrast: the
    same volume's other ``view`` (released) or the ``person`` in another modality. ``rotations``: 4 in one ``plane``
    (released) or 24 of the ``cube``. ``cut_out``: part of a volume that boxes hide in pre-training, and
    ``transfer_cut_out`` when transfer is learned (released: 0.3 in both). ``decoded`` sources of each person are drawn
    at a step, None for all; all present ones are encoded where features are constrained. ``collapse``: a training fails
    where features spread over persons less than this part of what they did at the start; 0 never.

    ``pretraining`` None: transfer is learned at once.
    """

    modalities: tuple[str, ...] = ("t1", "t1ce", "t2", "flair")
    side: int = 32
    flat: bool = False
    backbone: Literal["unet", "swin"] = "unet"
    widths: tuple[int, int, int] = (16, 32, 64)
    swin_features: int = 12
    completion: bool = True
    attention: Literal["channel", "spatial"] = "channel"
    heads: int = 4
    prior: Literal["learned", "frozen", "none"] = "learned"
    fusion: Literal["pair", "released"] = "pair"
    skips: bool = True
    weights: Weights = Weights()
    foreground_weight: float = 10.0
    whole_weight: float = 1.0
    temperature: float = 0.1
    embedding: int = 64
    positives: Literal["view", "person"] = "view"
    rotations: Group = "plane"
    cut_out: float = 0.3
    transfer_cut_out: float = 0.0
    decoded: int | None = 2
    collapse: float = 0.05
    pretraining: Settings | None = PRETRAINING
    transfer: Settings = TRANSFER

    def __post_init__(self) -> None:
        check_choices(self)
        self._check_network()
        if len(self.modalities) < 2 or len(set(self.modalities)) != len(self.modalities):
            raise ValueError(f"modalities are {self.modalities}, expected at least 2 different names")
        for name in ("cut_out", "transfer_cut_out", "collapse"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, expected a part of 1")
        if self.decoded is not None and not 1 <= self.decoded <= len(self.modalities):
            raise ValueError(f"decoded is {self.decoded}, expected 1..{len(self.modalities)} or None for all")
        if self.pretraining and not self.weights.any:
            raise ValueError("every weight is 0, but pre-training has no other loss: expected pretraining None")
        smallest = min(stage.batch_size for stage in (self.pretraining, self.transfer) if stage)
        if self.weights.contrast and smallest < 2:
            raise ValueError(f"batch_size is {smallest}, expected at least 2: contrast needs another person")

    def _check_network(self) -> None:
        if self.flat and (self.backbone != "unet" or self.rotations != "plane"):
            raise ValueError(
                f"flat with backbone {self.backbone!r} and rotations {self.rotations!r}: slices need unet and plane"
            )
        stride, smallest = STRIDES[self.backbone], SMALLEST_SIDES[self.backbone]
        if self.side < smallest or self.side % stride:
            raise ValueError(
                f"side is {self.side}, expected a multiple of {stride} from {smallest} on for the {self.backbone}: "
                "instance normalisation and attention need more than one place at the deepest level"
            )
        if self.completion and self.attention_width % self.heads:
            raise ValueError(
                f"heads is {self.heads}, expected a divisor of the attention's width {self.attention_width}"
            )

    @property
    def grid(self) -> int:
        """Places along each side at the deepest level."""
        return self.side // STRIDES[self.backbone]

    @property
    def sides(self) -> tuple[int, int, int]:
        """Depth, height and width of what the network sees."""
        return (1 if self.flat else self.side, self.side, self.side)

    @property
    def places(self) -> tuple[int, int, int]:
        """Depth, height and width at the deepest level."""
        return (1 if self.flat else self.grid, self.grid, self.grid)

    @property
    def channels(self) -> int:
        """Channels at the deepest level."""
        return self.widths[-1] if self.backbone == "unet" else 16 * self.swin_features

    @property
    def attention_width(self) -> int:
        """Numbers that make a token: places, or channels."""
        return math.prod(self.places) if self.attention == "channel" else self.channels

    @property
    def steps(self) -> int:
        """Of both stages."""
        return self.transfer.steps + (self.pretraining.steps if self.pretraining else 0)

    def with_training(self, **changes: object) -> PUIRConfig:
        """The same model with other `Settings` fields in both stages."""
        first = self.pretraining and replace(self.pretraining, **changes)
        return replace(self, pretraining=first, transfer=replace(self.transfer, **changes))


@dataclass(frozen=True)
class SegmentationConfig:
    """Segmentation of whole tumour, tumour core and enhancing tumour from any subset of modalities.

    Of the modalities of a person a random subset that is not empty is given at each step.
    """

    training: Settings = SEGMENTATION
    regions: tuple[str, ...] = ("wt", "tc", "et")


PRESETS: dict[str, PUIRConfig] = {
    "smoke": PUIRConfig(
        widths=(8, 16, 16),
        pretraining=replace(PRETRAINING, steps=4),
        transfer=replace(TRANSFER, steps=4),
    ),
    "quick": PUIRConfig(),
    "full": PUIRConfig(pretraining=replace(PRETRAINING, steps=1200), transfer=replace(TRANSFER, steps=800)),
    "paper": PUIRConfig(
        side=96,
        backbone="swin",
        swin_features=48,
        heads=3,
        embedding=512,
        transfer_cut_out=0.3,
        decoded=None,
        pretraining=Settings(
            steps=625_000, batch_size=4, learning_rate=2e-4, weight_decay=1e-5, schedule="constant", clip_norm=None
        ),
        transfer=Settings(
            steps=625_000, batch_size=4, learning_rate=2e-4, weight_decay=1e-5, schedule="constant", clip_norm=None
        ),
    ),
}
"""``paper``: 2000 passes of 1251 people by four. The length of its pre-training is not known; here that of transfer."""


def matched(config: PUIRConfig) -> PUIRConfig:
    """The same network without the four constraints: reconstruction alone, in as many steps as both stages have."""
    training = replace(config.transfer, steps=config.steps)
    return replace(config, weights=Weights(0, 0, 0, 0), pretraining=None, transfer=training)


def without_prior(config: PUIRConfig) -> PUIRConfig:
    """PUIR whose attention asks the features themselves."""
    return replace(config, prior="none")


def random_prior(config: PUIRConfig) -> PUIRConfig:
    """PUIR whose prior stays as it was drawn."""
    return replace(config, prior="frozen")


ABLATIONS: dict[str, Weights] = {
    "only_inv": Weights(contrast=0, equivariance=0),
    "only_equ": Weights(contrast=0, invariance=0),
    "inv_equ": Weights(contrast=0),
    "no_inv": Weights(invariance=0),
    "no_equ": Weights(equivariance=0),
    "no_contr": Weights(contrast=0),
    "no_decom": Weights(decomposition=0),
}
"""Constraints alone and removed. Alone means beside the decomposition: without it one constant map pleases them best.

``inv_equ`` and ``no_contr`` are therefore the same training.
"""
