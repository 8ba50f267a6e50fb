"""Which experiments the lesion pages rest on, in order of worth. Light: the trainings are named, not imported."""

from __future__ import annotations

from disentangle.runs.cells import Cell

FOLDS = 5
RANDOM_DRAWS = 5
METHODS = ("gvae", "gvae_finetuned", "cnn", "pca", "autoencoder", "dirvae")
BETAS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
CONCENTRATIONS = (0.1, 0.3, 3.0)
SEEDS = (0, 1)
RENDERINGS = ("geometry_only", "shuffled_ratings")
DEFAULT_BETA, DEFAULT_CONCENTRATION = 1.0, 0.95


def lesion_vae() -> list[Cell]:
    """Both models over beta, the Dirichlet one over its concentration, and an untrained encoder as a floor."""
    return [cell for seed in SEEDS for cell in _exploration(seed)]


def lesion_malignancy() -> list[Cell]:
    """Prediction on the embedded cohort, honest and in the published order, with true and with random labels."""
    return [*_prediction("lidc"), *_random_labels("lidc"), *_fixed_schedule("lidc"), *_rendering_controls()]


def lesion_malignancy_patches() -> list[Cell]:
    """Prediction from real pixels, honest and in the published order."""
    return [*_prediction("lidc_patches"), *_fixed_schedule("lidc_patches")]


def _exploration(seed: int) -> list[Cell]:
    models = [(model, beta, DEFAULT_CONCENTRATION) for beta in BETAS for model in ("gvae", "dirvae")]
    models += [("dirvae", DEFAULT_BETA, concentration) for concentration in CONCENTRATIONS]
    models += [("random", DEFAULT_BETA, DEFAULT_CONCENTRATION)]
    # The default first: it decides most claims.
    models.sort(key=lambda one: one[1:] != (DEFAULT_BETA, DEFAULT_CONCENTRATION))
    return [
        Cell(
            name=f"{model}_beta{beta:g}_concentration{concentration:g}_seed{seed}",
            function="disentangle.lesion_vae.exploration:latent_space",
            parameters={
                "data": "lidc",
                "model": model,
                "beta": beta,
                "concentration": concentration,
                "seed": seed,
            },
            data=("lidc",),
        )
        for model, beta, concentration in models
    ]


def _prediction(data: str) -> list[Cell]:
    first = [_honest(data, method, fold) for method in METHODS[:2] for fold in range(FOLDS)]
    rest = [_honest(data, method, fold) for method in METHODS[2:] for fold in range(FOLDS)]
    return [*first, _published(data), *rest]


def _random_labels(data: str) -> list[Cell]:
    draws = range(RANDOM_DRAWS)
    honest = [_honest(data, "gvae_finetuned", draw % FOLDS, draw) for draw in draws]
    return [cell for pair in zip((_published(data, draw) for draw in draws), honest, strict=True) for cell in pair]


def _fixed_schedule(data: str) -> list[Cell]:
    return [
        Cell(
            name=f"schedule_gvae_finetuned_fold{fold}_seed0",
            function="disentangle.lesion_vae.controls:fixed_schedule",
            parameters={"data": data, "fold": fold, "seed": 0},
            data=(data,),
        )
        for fold in range(FOLDS)
    ]


def _rendering_controls() -> list[Cell]:
    return [
        Cell(
            name=f"control_cnn_{render}_fold{fold}_seed0",
            function="disentangle.lesion_vae.controls:rendering_control",
            parameters={"render": render, "fold": fold, "seed": 0},
            data=("lidc",),
        )
        for render in RENDERINGS
        for fold in range(FOLDS)
    ]


def _honest(data: str, method: str, fold: int, draw: int | None = None, seed: int = 0) -> Cell:
    suffix = "" if draw is None else f"_random{draw}"
    return Cell(
        name=f"honest_{method}_fold{fold}_seed{seed}{suffix}",
        function="disentangle.lesion_vae.prediction:honest",
        parameters={"data": data, "method": method, "fold": fold, "seed": seed, "draw": draw},
        data=(data,),
    )


def _published(data: str, draw: int | None = None, seed: int = 0) -> Cell:
    suffix = "" if draw is None else f"_random{draw}"
    return Cell(
        name=f"published_seed{seed}{suffix}",
        function="disentangle.lesion_vae.prediction:published_order",
        parameters={"data": data, "split_seed": 0, "seed": seed, "draw": draw},
        data=(data,),
    )
