"""A moving figure of traversals: one lesion, walked along single latent dimensions of the page's two models."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from disentangle.book.panels import grey_png, picture_axes, still
from disentangle.figures import bare, show
from disentangle.imaging import datasets
from disentangle.imaging.cohort import Cohort
from disentangle.lesion_vae import latent_space, splits, traversals
from disentangle.lesion_vae.experiment import vae_config
from disentangle.lesion_vae.train import Fitted, decode, encode, fit
from disentangle.runs.moving import Moving, Part, Slider, key

PAGE, DATA = "lesion_vae", "lidc"
STEPS, SEED, LATENT, CONCENTRATION, BETA = 800, 0, 32, 0.95, 1.0
STEPS_SD = np.linspace(-3, 3, 13)
DIMENSIONS = 4
UPPER_SHARE = 0.95


@dataclass(frozen=True, eq=False)
class Walk:
    """One model's walks from one lesion: pictures (dimension, step, row, column), and what was measured on them."""

    pictures: np.ndarray
    measured: list[pd.DataFrame]


def page_models() -> tuple[dict[str, Fitted], Cohort]:
    """The two models of the published page, from the cache where they are there, and the held-out people."""
    cohort = datasets.load(DATA)
    split = splits.exploration_split(cohort.samples)
    train, validation, held_out = (cohort.select(rows) for rows in (split.train, split.validation, split.test))
    base = vae_config(DATA, "gvae").with_training(steps=STEPS, device="cpu")
    gaussian = replace(base, prior="gaussian", beta=BETA, latent=LATENT)
    dirichlet = replace(gaussian, prior="dirichlet", concentration=CONCENTRATION)
    both = {"GVAE": gaussian, "DirVAE": dirichlet}
    return {name: fit(train, config, SEED, validation=validation) for name, config in both.items()}, held_out


def lesion_walks() -> Moving:
    """Model, dimension and step: what is drawn, and the measured size of the lesion along the walk."""
    models, held_out = page_models()
    walks = {name: walked(fitted, held_out, simplex=name == "DirVAE") for name, fitted in models.items()}
    lines, points = {}, {}
    for n, walk in enumerate(walks.values()):
        for m in range(DIMENSIONS):
            areas = walk.measured[m]["area_px"]
            lines[key((n, m))] = {"traces": [{}, {"x": STEPS_SD.tolist(), "y": _plain(areas)}]}
            for k, step in enumerate(STEPS_SD):
                points[key((n, m, k))] = {
                    "traces": [
                        {"source": grey_png(walk.pictures[m, k], 3)},
                        {},
                        {"x": [float(step)], "y": [_plain(areas)[k]]},
                    ],
                    "said": _said(walk.measured[m].iloc[k]),
                }
    return Moving(
        title="A walk through the latent space of lesions",
        caption="One lesion of a person whom neither model has seen, moved along one latent number at a time; the four "
        "that change the picture most, of each model. Grey values of the training images are simulated around real outlines.",
        alt="A decoded lung nodule, and its measured area along the walk, with a point at the step that is shown.",
        sliders=(
            Slider("Model", tuple(walks), words=True),
            Slider("Dimension", tuple(f"number {m + 1} of {DIMENSIONS}" for m in range(DIMENSIONS)), words=True),
            Slider("Step", tuple(f"{step:+.1f}" for step in STEPS_SD), "standard deviations", len(STEPS_SD) // 2),
        ),
        traces=_traces(),
        layout=_layout(),
        parts=(Part((0, 1), lines), Part((0, 1, 2), points)),
        still=_still(walks),
        made_of=(PAGE,),
    )


def walked(fitted: Fitted, held_out: Cohort, *, simplex: bool) -> Walk:
    """Walks from a lesion that is larger than most, along the dimensions that change the decoded lesions most."""
    codes, names = latent_space.lesion_means(encode(fitted, held_out), held_out.samples["lesion"])
    sizes = splits.lesion_table(held_out.samples).loc[names]["lesion_diameter_mm"].to_numpy()
    start = codes[np.argsort(sizes)[int(UPPER_SHARE * len(sizes))]]
    frame = traversals.Frame.of(codes, simplex=simplex)
    paths = traversals.walk(frame, start, np.eye(len(start)), STEPS_SD)
    pictures = traversals.decode_in_blocks(lambda z: decode(fitted, z), paths.reshape(-1, len(start)))
    pictures = pictures.reshape(len(start), len(STEPS_SD), *pictures.shape[-2:])
    strongest = np.argsort(-np.abs(np.diff(pictures, axis=1)).mean((1, 2, 3)))[:DIMENSIONS]
    return Walk(pictures[strongest], [traversals.measure(pictures[at]) for at in strongest])


def _plain(values: pd.Series) -> list[float | None]:
    return [None if not np.isfinite(value) else round(float(value), 1) for value in values]


def _said(measured: pd.Series) -> str:
    if not measured["area_px"] > 0:
        return "No region above -400 HU is left in the middle of the picture."
    return (
        f"Area above -400 HU: {measured['area_px']:.0f} pixels of 0.49 mm²; solidity {measured['solidity']:.2f}; "
        f"mean grey {measured['mean_grey']:.2f}."
    )


def _traces() -> tuple[dict, ...]:
    at_right = {"type": "scatter", "xaxis": "x2", "yaxis": "y2", "hoverinfo": "skip"}
    return (
        {"type": "image", "hoverinfo": "skip"},
        at_right | {"mode": "lines", "line": {"color": "#0072b2"}},
        at_right | {"mode": "markers", "marker": {"size": 12, "color": "#d55e00"}},
    )


def _layout() -> dict:
    return picture_axes(1, (0, 0.46)) | {
        "xaxis2": {"domain": [0.6, 1], "anchor": "y2", "title": {"text": "step (sd)"}},
        "yaxis2": {"anchor": "x2", "title": {"text": "area (pixels)"}, "rangemode": "tozero"},
        "showlegend": False,
        "height": 340,
    }


def _still(walks: dict[str, Walk]) -> bytes:
    shown = range(0, len(STEPS_SD), 3)
    figure, axes = plt.subplots(len(walks), len(shown), figsize=(6, 2.6), layout="constrained")
    for row, (name, walk) in zip(axes, walks.items(), strict=True):
        for axis, step in zip(row, shown, strict=True):
            show(axis, walk.pictures[0, step])
            bare(axis)
            axis.set_title(f"{name} {STEPS_SD[step]:+.1f} sd", fontsize=8)
    plt.close(figure)
    return still(figure)
