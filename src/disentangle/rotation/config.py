"""Settings of the patch autoencoder whose latents are rotated, with one preset for each profile."""

from __future__ import annotations

from dataclasses import dataclass, replace

from disentangle.training import Settings


@dataclass(frozen=True)
class AutoencoderConfig:
    """A plain convolutional autoencoder of 32x32 patches; the paper says "autoencoder", all values are ours.

    Loss of an image, each part in units of its variance over the training images, so that 1 is what a mean leaves::

        loss = mean (x - x_hat)^2 + texture_weight * mean (e(x) - e_hat)^2

    ``e(x)`` are the logarithms of the image's energy in three octaves of detail, which a linear layer reads from the
    latent. Pixels alone (``texture_weight=0``) leave noise and sharpness out of the latent, because no small vector
    can reproduce noise: then there is little technical variation to find, and little texture to tell tissues apart.

    ``base`` channels after the first layer, twice as many after the second. ``turns`` flips and turns training
    images by right angles, nothing else: blur, noise or brightness as augmentation would teach the encoder to
    ignore the technical factor before it can be measured.
    """

    latent: int = 64
    base: int = 32
    texture_weight: float = 1.0
    turns: bool = True
    training: Settings = Settings(
        steps=800,
        batch_size=256,
        learning_rate=2e-3,
        weight_decay=1e-5,
        validate_every=100,
        checkpoint_every=400,
        precision="32",
    )

    def __post_init__(self) -> None:
        if self.latent < 2 or self.base < 1 or self.texture_weight < 0:
            raise ValueError(
                f"latent {self.latent}, base {self.base}, texture_weight {self.texture_weight}: "
                "expected at least 2, 1 and 0"
            )

    def with_training(self, **changes: object) -> AutoencoderConfig:
        """The same model trained with other `Settings` fields."""
        return replace(self, training=replace(self.training, **changes))


PRESETS: dict[str, AutoencoderConfig] = {
    "smoke": AutoencoderConfig(latent=16, base=8).with_training(steps=30, validate_every=15),
    "quick": AutoencoderConfig(),
    "full": AutoencoderConfig(latent=128, base=64).with_training(steps=6000, validate_every=500),
}
