"""Settings of the lesion autoencoders and their classifiers, with one preset for each profile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from disentangle.training import Settings

Prior = Literal["gaussian", "dirichlet", "none"]


@dataclass(frozen=True)
class VAEConfig:
    """A Gaussian or Dirichlet autoencoder of 64x64 lesions; ``prior="none"`` is the plain autoencoder.

    Loss of an image, in units that make ``beta`` count nats of the ELBO's second term::

        loss = 4096 pixels * mix + beta * KL nats          (the code divides both by 4096)
        mix  = pixel_weight * (L1 or MSE) + (1 - pixel_weight) * (1 - SSIM or MS-SSIM)

    Both parts of ``mix`` are means over the image, in 0..1, so one pixel of pure L1 is a Laplace likelihood
    of scale 1. The paper's own settings in these units are beta 0.12 (Gaussian) and 4.9 (Dirichlet), read
    from its code; larger values compress. ``beta`` rises from 0 over the first ``warmup`` of the steps.

    ``blocks="paper"`` is the published network (with ``base`` channels), ``"compact"`` one about ten times
    cheaper on a processor. ``concentration`` is the symmetric Dirichlet prior's. ``kl`` ``"elbo"`` is
    KL(posterior || prior), ``"reversed"`` the released code's KL(prior || posterior). ``region="mask"``
    scores the dilated mask only, for patches that are black around the lesion.
    """

    prior: Prior = "gaussian"
    latent: int = 32
    base: int = 16
    blocks: Literal["compact", "paper"] = "compact"
    channels: int = 1
    image_size: int = 64
    beta: float = 1.0
    warmup: float = 0.2
    pixel_loss: Literal["l1", "mse"] = "l1"
    similarity: Literal["none", "ssim", "ms_ssim"] = "ms_ssim"
    pixel_weight: float = 0.5
    region: Literal["image", "mask"] = "image"
    dilation: int = 3
    concentration: float = 0.95
    kl: Literal["elbo", "reversed"] = "elbo"
    sampler: Literal["pathwise", "inverse_cdf", "laplace"] = "pathwise"
    norm_momentum: float = 0.1
    training: Settings = Settings(
        steps=800, batch_size=64, learning_rate=2e-3, validate_every=100, patience=4, checkpoint_every=400
    )

    def __post_init__(self) -> None:
        allowed = {
            "prior": ("gaussian", "dirichlet", "none"),
            "blocks": ("compact", "paper"),
            "pixel_loss": ("l1", "mse"),
            "similarity": ("none", "ssim", "ms_ssim"),
            "region": ("image", "mask"),
            "kl": ("elbo", "reversed"),
            "sampler": ("pathwise", "inverse_cdf", "laplace"),
        }
        for name, values in allowed.items():
            if getattr(self, name) not in values:
                raise ValueError(f"{name} is {getattr(self, name)!r}, expected one of {values}")
        if self.image_size != 64:
            raise ValueError(f"image_size is {self.image_size}, the full-field layers need 64")
        if self.beta < 0 or self.concentration <= 0 or not 0 <= self.pixel_weight <= 1:
            raise ValueError(
                f"beta {self.beta}, concentration {self.concentration}, pixel_weight {self.pixel_weight}: "
                "expected beta >= 0, concentration > 0, pixel_weight in 0..1"
            )
        if self.latent < 2 or self.base < 1:
            raise ValueError(f"latent {self.latent}, base {self.base}: expected at least 2 and 1")

    def with_training(self, **changes: object) -> VAEConfig:
        """The same model trained with other `Settings` fields."""
        return replace(self, training=replace(self.training, **changes))


@dataclass(frozen=True)
class ClassifierConfig:
    """A small network on latents: linear, GELU, batch normalisation, dropout, repeated, then one logit."""

    hidden: tuple[int, ...] = (64, 32)
    dropout: float = 0.3
    training: Settings = Settings(
        steps=600,
        batch_size=256,
        learning_rate=3e-3,
        weight_decay=1e-2,
        precision="32",
        validate_every=25,
        patience=6,
    )


@dataclass(frozen=True)
class FineTuneConfig:
    """Fine-tuning of an autoencoder with the classifier's loss, weighted by ``gamma``.

    ``alternating``: ``rounds`` times, a fresh classifier on frozen latents, then the autoencoder under that
    classifier, frozen in evaluation mode. With validation people a step is kept only where it lowers their
    classification loss; without them every step is kept. ``released``: one round of ``rounds`` times as many
    steps, at half the learning rate, the frozen classifier in training mode (dropout active, batch
    statistics moving), nothing chosen by validation, as the released code does. ``representation`` is what
    the classifier sees: the latents' ``mean``, or the ``log_concentration`` of a Dirichlet model.
    """

    scheme: Literal["alternating", "released"] = "alternating"
    rounds: int = 3
    gamma: float = 1.0
    representation: Literal["mean", "log_concentration"] = "mean"
    classifier: ClassifierConfig = ClassifierConfig()
    training: Settings = Settings(steps=250, batch_size=64, learning_rate=5e-4, validate_every=15, patience=4)

    def __post_init__(self) -> None:
        if self.scheme not in ("alternating", "released"):
            raise ValueError(f"scheme is {self.scheme!r}, expected 'alternating' or 'released'")
        if self.rounds < 1 or self.gamma < 0:
            raise ValueError(f"rounds {self.rounds}, gamma {self.gamma}: expected at least 1 and 0")


@dataclass(frozen=True)
class CNNConfig:
    """A supervised network: the autoencoder's encoder, dropout and one logit, trained with random flips."""

    base: int = 16
    blocks: Literal["compact", "paper"] = "compact"
    channels: int = 1
    dropout: float = 0.3
    flips: bool = True
    training: Settings = Settings(
        steps=600, batch_size=64, learning_rate=1e-3, weight_decay=1e-2, validate_every=50, patience=4
    )


PRESETS: dict[str, VAEConfig] = {
    "smoke": VAEConfig(latent=8, base=8).with_training(steps=20, validate_every=10),
    "quick": VAEConfig(),
    "full": VAEConfig(base=32).with_training(steps=6000, validate_every=500, patience=6),
    "paper": VAEConfig(
        blocks="paper", base=128, latent=2048, similarity="ssim", kl="reversed", norm_momentum=0.9, beta=0.12
    ).with_training(steps=60_000, learning_rate=1e-5, schedule="constant", patience=None, clip_norm=None),
}
"""The model of each profile; ``paper`` has the published sizes (b=128, l=16: 310,337,025 parameters)."""

CLASSIFIER_PRESETS: dict[str, ClassifierConfig] = {
    "smoke": ClassifierConfig(hidden=(16,), training=replace(ClassifierConfig().training, steps=50)),
    "quick": ClassifierConfig(),
    "full": ClassifierConfig(),
    "paper": ClassifierConfig(hidden=(2048, 1024, 512)),
}

FINE_TUNE_PRESETS: dict[str, FineTuneConfig] = {
    "smoke": FineTuneConfig(
        rounds=1,
        classifier=CLASSIFIER_PRESETS["smoke"],
        training=replace(FineTuneConfig().training, steps=10, validate_every=10),
    ),
    "quick": FineTuneConfig(),
    "full": FineTuneConfig(training=replace(FineTuneConfig().training, steps=800, validate_every=200)),
    "paper": FineTuneConfig(
        scheme="released",
        classifier=CLASSIFIER_PRESETS["paper"],
        training=replace(FineTuneConfig().training, steps=6000, learning_rate=1e-5),
    ),
}

CNN_PRESETS: dict[str, CNNConfig] = {
    "smoke": CNNConfig(base=8, training=replace(CNNConfig().training, steps=20, validate_every=10)),
    "quick": CNNConfig(),
    "full": CNNConfig(base=32, training=replace(CNNConfig().training, steps=3000, validate_every=250)),
    "paper": CNNConfig(base=128, blocks="paper"),
}
