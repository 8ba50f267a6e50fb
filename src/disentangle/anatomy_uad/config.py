"""Settings of the detector, its arms and its baselines, with one preset for each profile.

Of the paper are the parts and their order, three tissue levels, one-hot anatomy, Canny edges, modality reuse and the
hybrid score; every size, weight and schedule here is our choice.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Literal, get_args, get_origin, get_type_hints

from disentangle.training import Settings

PAPER_LEVELS = (0.29, 0.48, 0.72)
"""The three constants of the paper, read as grey levels of CSF, grey and white matter."""

TRAINING = Settings(steps=600, batch_size=8, learning_rate=2e-3, clip_norm=1.0, precision="32")


def check_choices(config: object) -> None:
    """Raise ValueError where a field declared as a Literal holds something else."""
    for name, declared in get_type_hints(type(config)).items():
        choices, found = get_args(declared), getattr(config, name)
        if get_origin(declared) is Literal and found not in choices:
            raise ValueError(f"{name} is {found!r}, expected one of {choices}")


def check_range(config: object, low: float, high: float, *names: str) -> None:
    """Raise ValueError where a named field is outside ``low``..``high``."""
    for name in names:
        if not low <= getattr(config, name) <= high:
            raise ValueError(f"{name} is {getattr(config, name)}, expected {low:g}..{high:g}")


@dataclass(frozen=True)
class Augmentation:
    """What training does to a pair: one geometry for both sequences, intensities changed in each by itself.

    ``rotation`` in degrees, ``scale`` and ``shift`` as parts of 1 and of the image, all the largest change; ``gamma``
    the largest exponent (and one over it the least); ``contrast`` the largest change of slope. Those, and with
    probability ``randomised`` a random curve in place of the contrast, change input and target alike. The input alone
    gets a smooth ``bias`` (standard deviation of its logarithm), Rician ``noise`` up to that standard deviation, and
    with probability ``blur`` a blur.
    """

    rotation: float = 8.0
    scale: float = 0.06
    shift: float = 0.03
    flip: bool = True
    gamma: float = 1.5
    contrast: float = 0.15
    randomised: float = 0.3
    bias: float = 0.06
    noise: float = 0.04
    blur: float = 0.3

    def __post_init__(self) -> None:
        check_range(self, 0, 1, "randomised", "blur", "contrast", "noise", "scale", "shift", "bias")
        check_range(self, 1, 4, "gamma")
        check_range(self, 0, 180, "rotation")


@dataclass(frozen=True)
class EdgeConfig:
    """Canny's settings: ``sigma`` in pixels, thresholds on the Sobel gradient as in scikit-image."""

    sigma: float = 1.0
    low: float = 0.05
    high: float = 0.1

    def __post_init__(self) -> None:
        check_range(self, 0.1, 10, "sigma")
        if not 0 < self.low <= self.high:
            raise ValueError(f"low is {self.low}, high {self.high}: expected 0 < low <= high")


@dataclass(frozen=True)
class ScoreConfig:
    """From image and pseudo-healthy image to the anomaly map; nothing here changes a trained weight.

    ``ssim`` multiplies the difference by 1 - SSIM over windows of ``window`` pixels. ``modality`` ``reuse`` draws with
    the input's own modality vector, ``mean`` with the training mean of its sequence. ``trim`` is the part of places,
    those of the largest features, that the modality vector leaves out. Then for every method: a ``median`` filter of
    that many pixels, and no score within ``erosion_mm`` of the border of the brain.
    """

    ssim: bool = True
    window: int = 7
    modality: Literal["reuse", "mean"] = "reuse"
    trim: float = 0.0
    median: int = 3
    erosion_mm: float = 3.0

    def __post_init__(self) -> None:
        check_choices(self)
        check_range(self, 0, 0.9, "trim")
        check_range(self, 0, 50, "erosion_mm")
        for name in ("window", "median"):
            if getattr(self, name) < 1 or not getattr(self, name) % 2:
                raise ValueError(f"{name} is {getattr(self, name)}, expected an odd number of pixels")


@dataclass(frozen=True)
class DALConfig:
    """The detector by disentangled anatomy learning (DAL) on paired ``sequences`` of healthy people.

    First stage (``disentangling``): extractor, encoder, modality and combiner. Second stage (``restoring``): the
    restorer learns the anatomical code from ``restorer_input``. With ``joint`` the second stage goes on training
    everything with all losses; without, the first stage's networks stay as they are, and anatomy, edges and modality of
    ``views`` augmented copies of every pair are computed once.

    ``levels`` are the grey levels of CSF, grey and white matter, None: the means found in the training T1s (first of
    ``sequences``). The temperature of the softmax falls from 1 to ``last_temperature`` over the first stage. All
    networks but the modality extractor see blocks of ``stem`` squared pixels as channels.

    Weights: ``consistency`` of the two anatomies, ``similarity`` of the first to a T1 of three levels
    (``late_similarity`` in a joint second stage), ``reconstruction``, ``cross`` reconstruction; ``code``,
    ``restoration`` (L1 and ``ssim`` times 1 - SSIM) and ``modality`` (the vector read again from the restored image).
    """

    sequences: tuple[str, str] = ("T1", "T2")
    levels: tuple[float, float, float] | None = None
    base: int = 8
    depth: int = 3
    stem: int = 2
    code_channels: int = 16
    modality_size: int = 4
    modality_base: int = 8
    combiner_blocks: int = 2
    last_temperature: float = 0.3
    consistency: float = 1.0
    similarity: float = 1.0
    late_similarity: float = 0.3
    reconstruction: float = 1.0
    cross: float = 1.0
    code: float = 1.0
    restoration: float = 1.0
    ssim: float = 0.5
    modality: float = 0.1
    restorer_input: Literal["edges", "anatomy", "image"] = "edges"
    edges: EdgeConfig = EdgeConfig()
    edge_dropout: float = 0.3
    joint: bool = False
    views: int = 2
    augmentation: Augmentation = Augmentation()
    disentangling: Settings = TRAINING
    restoring: Settings = replace(TRAINING, steps=900)
    score: ScoreConfig = ScoreConfig()

    def __post_init__(self) -> None:
        check_choices(self)
        weights = ("consistency", "similarity", "late_similarity", "reconstruction", "cross")
        check_range(self, 0, 1e6, *weights, "code", "restoration", "ssim", "modality")
        check_range(self, 1, 4096, "base", "depth", "code_channels", "modality_size", "modality_base", "views")
        check_range(self, 1, 32, "combiner_blocks")
        check_range(self, 1, 4, "stem")
        check_range(self, 0, 0.9, "edge_dropout")
        check_range(self, 0.01, 1, "last_temperature")
        if len(set(self.sequences)) != 2:
            raise ValueError(f"sequences are {self.sequences}, expected two different ones")
        if self.levels is not None and not 0 < self.levels[0] < self.levels[1] < self.levels[2] <= 1:
            raise ValueError(f"levels are {self.levels}, expected three that rise in 0..1")

    @property
    def multiple(self) -> int:
        """By which height and width of the networks' images must be divisible."""
        return self.stem * 2**self.depth

    def with_steps(self, disentangling: int, restoring: int, **changes: object) -> DALConfig:
        """The same model trained for other numbers of steps, and with other `Settings` fields in both stages."""
        first = replace(self.disentangling, steps=disentangling, **changes)
        return replace(self, disentangling=first, restoring=replace(self.restoring, steps=restoring, **changes))

    def first_stage_parts(self) -> dict:
        """What decides the weights after the first stage, as JSON."""
        parts = asdict(self) | {"disentangling": self.disentangling.numerics()}
        later = ("restoring", "restorer_input", "edges", "edge_dropout", "joint", "views", "score")
        weights = ("code", "restoration", "ssim", "modality", "late_similarity")
        return {name: value for name, value in parts.items() if name not in later + weights}

    def all_parts(self) -> dict:
        """What decides all weights, as JSON."""
        parts = asdict(self)
        del parts["score"]
        return parts | {"disentangling": self.disentangling.numerics(), "restoring": self.restoring.numerics()}


@dataclass(frozen=True)
class RestorerConfig:
    """A network that redraws an image directly: the baselines ``ae`` and ``dae``.

    ``ae`` squeezes the image through ``latent`` numbers (L1 + ``ssim`` times 1 - SSIM). ``dae`` is a U-Net that removes
    noise drawn on a coarse grid of ``noise_grid`` squared points, of standard deviation ``noise``, from the foreground,
    and minimises the squared error (Kascenas et al. 2022).
    """

    kind: Literal["ae", "dae"] = "ae"
    sequences: tuple[str, str] = ("T1", "T2")
    base: int = 8
    depth: int = 3
    stem: int = 2
    latent: int = 128
    ssim: float = 0.5
    noise: float = 0.2
    noise_grid: int = 16
    augmentation: Augmentation = Augmentation(randomised=0.0)
    training: Settings = replace(TRAINING, steps=1500)
    score: ScoreConfig = ScoreConfig(ssim=False)

    def __post_init__(self) -> None:
        check_choices(self)
        check_range(self, 1, 4096, "base", "depth", "latent", "noise_grid")
        check_range(self, 0, 1e6, "ssim", "noise")

    @property
    def multiple(self) -> int:
        """By which height and width of the networks' images must be divisible."""
        return 16 if self.kind == "ae" else self.stem * 2**self.depth

    def all_parts(self) -> dict:
        """What decides all weights, as JSON."""
        parts = asdict(self) | {"training": self.training.numerics()}
        del parts["score"]
        return parts


PRESETS: dict[str, DALConfig] = {
    "smoke": DALConfig(base=4, modality_base=4, views=1).with_steps(6, 6),
    "quick": DALConfig().with_steps(150, 250),
    "full": DALConfig(base=16).with_steps(1000, 1500),
    "paper": DALConfig(
        levels=PAPER_LEVELS,
        base=32,
        depth=4,
        stem=1,
        combiner_blocks=3,
        modality_size=8,
        modality_base=16,
        joint=True,
    ).with_steps(1500, 3500, batch_size=32, learning_rate=1e-3),
}
"""The model of each profile; the paper's own sizes are unknown, ``paper`` is our guess for one GPU, in 2D."""

ARMS: dict[str, dict[str, object]] = {
    "image_input": {"restorer_input": "image"},
    "anatomy_input": {"restorer_input": "anatomy"},
    "mean_z": {"modality": "mean"},
    "no_ssim": {"ssim": False},
    "no_consistency": {"consistency": 0.0},
}
"""What the paper argues for, taken away."""

SCORE_ARMS = ("mean_z", "no_ssim")
"""Arms that change the score alone and share every weight with the method."""

BASELINES = ("ae", "dae", "ae_randomised")
"""Trained baselines; threshold and z-map learn no weights."""


def arm(config: DALConfig, name: str) -> DALConfig:
    """The method with one thing taken away (``ARMS``), or ``dal`` itself."""
    if name == "dal":
        return config
    if name not in ARMS:
        raise ValueError(f"no arm {name!r}, expected dal or one of {', '.join(ARMS)}")
    if name in SCORE_ARMS:
        return replace(config, score=replace(config.score, **ARMS[name]))
    return replace(config, **ARMS[name])


def baseline_like(config: DALConfig, name: str) -> RestorerConfig:
    """A baseline with the method's pairs, widths, augmentation, number of steps and post-processing.

    Random contrasts are the method's and those of ``ae_randomised``; the score of all is the plain difference.
    """
    if name not in BASELINES:
        raise ValueError(f"no trained baseline {name!r}, expected one of {', '.join(BASELINES)}")
    randomised = config.augmentation.randomised if name == "ae_randomised" else 0.0
    return RestorerConfig(
        kind="dae" if name == "dae" else "ae",
        sequences=config.sequences,
        base=config.base,
        depth=config.depth,
        stem=config.stem,
        ssim=config.ssim,
        augmentation=replace(config.augmentation, randomised=randomised),
        training=replace(config.restoring, steps=config.disentangling.steps + config.restoring.steps),
        score=replace(config.score, ssim=False),
    )
