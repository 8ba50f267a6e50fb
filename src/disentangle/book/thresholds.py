"""A moving figure of thresholds: who is called malignant, by which method, read from the stored cells."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

from disentangle.book.panels import still
from disentangle.lesion_vae.evaluate import Ground, honest_logits
from disentangle.lesion_vae.experiment import labelled_cohort
from disentangle.metrics.auc import auc
from disentangle.runs import cells
from disentangle.runs.moving import Moving, Part, Slider, key

PAGE, DATA = "lesion_malignancy", "lidc"
METHODS = {
    "gvae_finetuned": "fine-tuned GVAE",
    "gvae": "GVAE",
    "dirvae": "DirVAE",
    "cnn": "CNN",
    "diameter": "diameter alone",
}
SHARES = tuple(range(5, 100, 5))
BINS = 24
BENIGN, MALIGNANT, LINE = "#0072b2", "#d55e00", "#777777"


def malignancy() -> Moving:
    """Out-of-fold scores of all lesions: the ROC curve, both distributions, and a threshold to move."""
    samples, done = labelled_cohort(DATA).samples, cells.load(PAGE).done
    lesions = Ground.lesions(samples)
    truth = lesions.table["malignant"].to_numpy(float) == 1
    scores = {
        name: lesions.of(samples, honest_logits(samples, done, name)) for name in METHODS if name != "diameter"
    } | {"diameter": lesions.table["lesion_diameter_mm"].to_numpy()}
    ranks = {name: ranked(values, lesions.table["fold"].to_numpy()) for name, values in scores.items()}
    curves = {key((n,)): _of_method(values, truth) for n, values in enumerate(ranks.values())}
    points = {
        key((n, m)): _at_threshold(values, truth, share / 100)
        for n, values in enumerate(ranks.values())
        for m, share in enumerate(SHARES)
    }
    return Moving(
        title="A threshold on the suspicion of malignancy",
        caption=f"{len(truth)} lesions, each scored by a model that never saw its person; scores as ranks inside their "
        "fold. Outlines are real, grey values simulated; 'malignant' is the readers' suspicion.",
        alt="An ROC curve with a point on it, and two overlapping histograms of benign and malignant lesions, cut by the "
        "threshold.",
        sliders=(
            Slider("Method", tuple(METHODS.values()), words=True),
            Slider("Threshold: share of lesions below it", tuple(map(str, SHARES)), "%", SHARES.index(60)),
        ),
        traces=_traces(),
        layout=_layout(),
        parts=(Part((0,), curves), Part((0, 1), points)),
        still=_still(ranks, truth),
        made_of=(PAGE,),
    )


def ranked(values: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Share of the lesions of the same fold that score lower, in 0..1: scores of different models, made comparable."""
    shares = np.empty(len(values))
    for fold in np.unique(folds):
        rows = folds == fold
        shares[rows] = (values[rows].argsort().argsort() + 0.5) / rows.sum()
    return shares


def rates(scores: np.ndarray, truth: np.ndarray, threshold: float) -> tuple[float, float]:
    """Sensitivity and specificity of calling malignant what lies above the threshold."""
    above = scores > threshold
    return float(above[truth].mean()), float((~above)[~truth].mean())


def _of_method(scores: np.ndarray, truth: np.ndarray) -> dict:
    pairs = [rates(scores, truth, cut) for cut in np.linspace(1, 0, 101)]
    heights = {kind: np.histogram(scores[truth == kind], BINS, (0, 1))[0].tolist() for kind in (False, True)}
    return {
        "traces": [
            {"x": [round(1 - specificity, 3) for _, specificity in pairs], "y": [round(s, 3) for s, _ in pairs]},
            {},
            {"y": heights[False]},
            {"y": heights[True]},
        ]
    }


def _at_threshold(scores: np.ndarray, truth: np.ndarray, threshold: float) -> dict:
    sensitivity, specificity = rates(scores, truth, threshold)
    called = scores > threshold
    line = {"type": "line", "xref": "x2", "yref": "y2 domain", "x0": threshold, "x1": threshold, "y0": 0, "y1": 1}
    return {
        "traces": [{}, {"x": [round(1 - specificity, 3)], "y": [round(sensitivity, 3)]}],
        "shapes": [line | {"line": {"color": LINE, "width": 2}}],
        "said": f"{called[truth].sum()} of {truth.sum()} malignant lesions are found (sensitivity {sensitivity:.2f}), "
        f"{called[~truth].sum()} of {(~truth).sum()} benign ones are called malignant (specificity {specificity:.2f}); "
        f"AUC over all thresholds {auc(scores, truth.astype(float)):.3f}.",
    }


def _traces() -> tuple[dict, ...]:
    middles = ((np.arange(BINS) + 0.5) / BINS).round(3).tolist()
    histogram = {"type": "bar", "x": middles, "xaxis": "x2", "yaxis": "y2", "opacity": 0.7}
    return (
        {"type": "scatter", "mode": "lines", "name": "ROC", "line": {"color": BENIGN}, "showlegend": False},
        {"type": "scatter", "mode": "markers", "marker": {"size": 12, "color": MALIGNANT}, "showlegend": False},
        histogram | {"name": "benign", "marker": {"color": BENIGN}},
        histogram | {"name": "malignant", "marker": {"color": MALIGNANT}},
    )


def _layout() -> dict:
    return {
        "xaxis": {"domain": [0, 0.42], "range": [0, 1], "title": {"text": "1 - specificity"}},
        "yaxis": {"range": [0, 1.02], "title": {"text": "sensitivity"}},
        "xaxis2": {"domain": [0.56, 1], "range": [0, 1], "anchor": "y2", "title": {"text": "score, as a rank"}},
        "yaxis2": {"anchor": "x2", "title": {"text": "lesions"}},
        "barmode": "overlay",
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "height": 360,
    }


def _still(ranks: dict[str, np.ndarray], truth: np.ndarray) -> bytes:
    figure, axis = plt.subplots(figsize=(4.2, 3.4), layout="constrained")
    for name, scores in ranks.items():
        pairs = np.array([rates(scores, truth, cut) for cut in np.linspace(1, 0, 101)])
        axis.plot(1 - pairs[:, 1], pairs[:, 0], label=METHODS[name])
    axis.set(xlabel="1 - specificity", ylabel="sensitivity")
    axis.legend()
    plt.close(figure)
    return still(figure)
