"""What the experiments of the lesion chapters share: the cohort, the one configuration, scores per person."""

from __future__ import annotations

from functools import lru_cache

from disentangle.imaging import datasets
from disentangle.imaging.cohort import Cohort
from disentangle.lesion_vae.config import VAEConfig
from disentangle.lesion_vae.train import Fitted, kl_nats, reconstruct
from disentangle.metrics.image_quality import image_quality

PRIORS = {"autoencoder": "none", "gvae": "gaussian", "dirvae": "dirichlet"}


def vae_config(data: str, model: str, **changes: object) -> VAEConfig:
    """The one configuration of the experiments; patches that are black around the lesion score its region alone."""
    region = "mask" if data == "lidc_patches" else "image"
    return VAEConfig(prior=PRIORS[model], region=region, **changes)


@lru_cache(maxsize=1)
def labelled_cohort(data: str) -> Cohort:
    """The cohort with every lesion whose label is known, and on it the malignancy that everything predicts."""
    cohort = datasets.load(data)
    known = cohort.samples["malignant"].notna().to_numpy()
    return cohort if known.all() else cohort.select(known)


def reconstruction(fitted: Fitted, cohort: Cohort) -> dict:
    """SSIM and MSE inside the dilated mask and of the whole image: one value a person, in order of their names."""
    decoded = reconstruct(fitted, cohort)[:, 0]
    quality = image_quality(cohort.images[:, 0], decoded, cohort.masks)
    people = quality.groupby(cohort.samples["subject"].to_numpy()).mean()
    named = {"ssim": "ssim_mask", "mse": "mse_mask", "ssim_image": "ssim", "mse_image": "mse"}
    scores = {name: people[column].tolist() for name, column in named.items()}
    return rounded(scores | {"kl_nats": float(kl_nats(fitted, cohort).mean())})


def rounded(scores: object) -> object:
    """The same scores with four significant digits, which keeps a cell small."""
    if isinstance(scores, dict):
        return {name: rounded(value) for name, value in scores.items()}
    if isinstance(scores, list):
        return [rounded(value) for value in scores]
    return float(f"{scores:.4g}") if isinstance(scores, float) else scores
