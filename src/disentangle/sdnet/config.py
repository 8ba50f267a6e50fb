"""Settings of SDNet and its baselines, with one preset for each profile.

Where paper and released code differ, the difference is a named option. Widths, steps and learning rate of the
presets below ``paper`` are ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args, get_origin, get_type_hints

from disentangle.training import Settings

TRAINING = Settings(steps=2000, batch_size=4, learning_rate=4e-3, precision="32")
"""Ours, tried on phantom people of fold 1. In bfloat16 the gradients of the supervised step, which passes the rounding
and batch normalisation over four images, point elsewhere (cosine 0.2 to 0.6 with those of 32 bit), and little is
learned."""
PAPER_TRAINING = Settings(
    steps=31_500, batch_size=4, learning_rate=1e-4, schedule="constant", clip_norm=None, precision="32"
)
"""100 passes of 315 steps. The release also divides the rate by 1 + 1e-4 a step and has Adam's beta1 at 0.5."""


def check_choices(config: object) -> None:
    """Raise ValueError where a field declared as a Literal holds something else."""
    for name, declared in get_type_hints(type(config)).items():
        choices, found = get_args(declared), getattr(config, name)
        if get_origin(declared) is Literal and found not in choices:
            raise ValueError(f"{name} is {found!r}, expected one of {choices}")


def check_numbers(config: object, *, least: float, names: tuple[str, ...]) -> None:
    """Raise ValueError where a named field is below ``least``."""
    for name in names:
        if not getattr(config, name) >= least:
            raise ValueError(f"{name} is {getattr(config, name)}, expected at least {least}")


def check_image_size(side: int, *, least: int) -> None:
    """Raise ValueError unless four halvings fit."""
    if side < least or side % 16:
        raise ValueError(f"image_size is {side}, expected a multiple of 16 from {least} on")


@dataclass(frozen=True)
class AdversaryConfig:
    """The discriminator of masks and its game.

    ``masks`` says whose real masks it sees: of the ``labelled`` images alone (fair), or of ``all`` training images,
    unpaired (as released, whatever the number of labels). ``images``: the generator's term counts for
    ``unlabelled`` images (code) or ``all`` (one reading of the paper). ``generator``: minimise (D - 1)^2 (code), or
    ``maximise`` D^2 (as the paper prints it; unbounded). ``spectral``: spectral ``norm`` of the middle layers (ours),
    the released soft ``penalty``, or ``none`` (paper). ``history`` predicted masks are kept and drawn from
    (code 50, paper 0). ``head``: see `MaskDiscriminator`.
    """

    weight: float = 10.0
    masks: Literal["labelled", "all"] = "labelled"
    images: Literal["unlabelled", "all"] = "unlabelled"
    generator: Literal["least_squares", "maximise"] = "least_squares"
    spectral: Literal["norm", "penalty", "none"] = "norm"
    history: int = 50
    base: int = 8
    head: Literal["flatten", "mean"] = "flatten"

    def __post_init__(self) -> None:
        check_choices(self)
        check_numbers(self, least=0, names=("weight", "history"))
        check_numbers(self, least=1, names=("base",))


@dataclass(frozen=True)
class SDNetConfig:
    """SDNet for images of ``image_size`` squared pixels with ``classes`` labels beside the background.

    Loss of the paper: ``segmentation_weight`` * (1 - Dice) + ``adversary.weight`` * LSGAN
    + ``reconstruction_weight`` * L1 + ``kl_weight`` * KL nats + ``z_weight`` * |z - z again|.
    L1 is of images in -1..1.

    ``z_reconstruction``: ``same_anatomy`` encodes the drawn image with the anatomy it was drawn from and leaves the
    anatomy encoder alone (code), ``reencode`` encodes anatomy again from the drawn image (paper). ``z_guess``: the
    posterior's ``sample`` (code) or its ``mean``. ``updates``: ``alternating`` steps on labelled images, unlabelled
    images and z (code), or ``joint``, one step on the sum over both (paper); the discriminator's step is its own.
    ``dice`` ``released`` has the doubled constant. ``norm_momentum`` is torch's (release 0.01: needs thousands of
    steps). ``rotation`` is the largest angle of augmentation in degrees. ``adversary`` None: no discriminator.
    ``unlabelled_every``: unlabelled images and the discriminator have their steps at every so-many-th iteration
    (paper and code: 1), alternating updates only.
    """

    classes: int = 3
    image_size: int = 128
    anatomy_channels: int = 8
    modality_size: int = 8
    base: int = 8
    segmentor_base: int = 8
    modality_base: int = 16
    rounding: Literal["round", "argmax", "gumbel", "none"] = "round"
    decoder: Literal["film", "concatenation"] = "film"
    z_reconstruction: Literal["same_anatomy", "reencode", "none"] = "same_anatomy"
    z_guess: Literal["sample", "mean"] = "sample"
    updates: Literal["alternating", "joint"] = "alternating"
    dice: Literal["standard", "released"] = "standard"
    segmentation_weight: float = 10.0
    reconstruction_weight: float = 1.0
    kl_weight: float = 0.01
    z_weight: float = 1.0
    adversary: AdversaryConfig | None = AdversaryConfig()
    norm_momentum: float = 0.1
    rotation: float = 90.0
    unlabelled_every: int = 1
    training: Settings = TRAINING

    def __post_init__(self) -> None:
        check_choices(self)
        if self.updates == "joint" and self.unlabelled_every != 1:
            raise ValueError(f"unlabelled_every is {self.unlabelled_every}, expected 1 with joint updates")
        check_numbers(self, least=1, names=("unlabelled_every",))
        weights = ("segmentation_weight", "reconstruction_weight", "kl_weight", "z_weight", "rotation")
        check_numbers(self, least=0, names=weights)
        check_numbers(self, least=1, names=("classes", "modality_size", "base", "segmentor_base", "modality_base"))
        check_numbers(self, least=2, names=("anatomy_channels",))
        check_image_size(self.image_size, least=48)

    def with_training(self, **changes: object) -> SDNetConfig:
        """The same model trained with other `Settings` fields."""
        return replace(self, training=replace(self.training, **changes))


@dataclass(frozen=True)
class UNetConfig:
    """The supervised baseline: SDNet's U-Net with a softmax over classes; with ``adversary``, the GAN baseline.

    The fields mean what they mean in `SDNetConfig`. Giving both methods the same data is the caller's choice of
    ``adversary.masks``.
    """

    classes: int = 3
    image_size: int = 128
    base: int = 8
    dice: Literal["standard", "released"] = "standard"
    segmentation_weight: float = 10.0
    adversary: AdversaryConfig | None = None
    norm_momentum: float = 0.1
    rotation: float = 90.0
    unlabelled_every: int = 1
    training: Settings = TRAINING

    def __post_init__(self) -> None:
        check_choices(self)
        check_numbers(self, least=0, names=("segmentation_weight", "rotation"))
        check_numbers(self, least=1, names=("classes", "base", "unlabelled_every"))
        check_image_size(self.image_size, least=16)

    def with_training(self, **changes: object) -> UNetConfig:
        """The same model trained with other `Settings` fields."""
        return replace(self, training=replace(self.training, **changes))


@dataclass(frozen=True)
class SelfTrainingConfig:
    """Self-training after Bai et al. 2017 without their random field: predict, adopt, train on.

    The first ``warmup`` of the network's steps see labelled images alone; ``rounds`` share the rest, each on labelled
    images and on unlabelled ones with labels predicted at its start, all images alike. With ``confidence``, pixels
    whose largest probability is below it have no label.
    """

    network: UNetConfig = UNetConfig()
    rounds: int = 3
    warmup: float = 0.5
    confidence: float | None = None

    def __post_init__(self) -> None:
        check_numbers(self, least=1, names=("rounds",))
        if self.network.adversary is not None:
            raise ValueError("network.adversary is set, but self-training has no discriminator: expected None")
        if not 0 < self.warmup < 1 or not 0 <= (self.confidence or 0) <= 1:
            raise ValueError(
                f"warmup is {self.warmup}, confidence {self.confidence}: expected a part of 1 and None or 0..1"
            )


PRESETS: dict[str, SDNetConfig] = {
    "smoke": SDNetConfig(anatomy_channels=6, base=4, adversary=AdversaryConfig(base=4)).with_training(steps=6),
    "quick": SDNetConfig().with_training(steps=200),
    "full": SDNetConfig(base=16, segmentor_base=16, adversary=AdversaryConfig(base=16)).with_training(steps=4000),
    "paper": SDNetConfig(
        image_size=224,
        base=64,
        segmentor_base=64,
        dice="released",
        adversary=AdversaryConfig(masks="all", spectral="penalty", base=64),
        norm_momentum=0.01,
        training=PAPER_TRAINING,
    ),
}
"""The model of each profile; ``paper`` has the published sizes and the release's options.

``SDNetConfig()`` itself, the narrow network for 2000 steps, is meant for experiments on processors: about a third of a
second a step on one core, a fifth of that for its U-Net baseline.
"""

ABLATIONS: dict[str, dict[str, object]] = {
    "no_rounding": {"rounding": "none"},
    "argmax": {"rounding": "argmax"},
    "no_zrec": {"z_reconstruction": "none"},
    "concat": {"decoder": "concatenation"},
    "no_kl": {"kl_weight": 0.0},
}
"""What the paper argues for, taken away, and rounding to the largest channel: changes of an `SDNetConfig`."""


def unet_like(config: SDNetConfig, *, adversary: bool = False) -> UNetConfig:
    """The baseline with the U-Net, the schedule and, if wanted, the discriminator of an SDNet."""
    shared = ("classes", "image_size", "base", "dice", "segmentation_weight", "norm_momentum", "rotation")
    shared += ("unlabelled_every", "training")
    values = {name: getattr(config, name) for name in shared}
    return UNetConfig(**values, adversary=config.adversary if adversary else None)
