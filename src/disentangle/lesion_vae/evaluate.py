"""From the cells of the lesion experiments to findings: predictions put together, intervals, matched comparisons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from disentangle.lesion_vae import splits
from disentangle.lesion_vae.predictions import lesion_logits, unpack_logits
from disentangle.metrics.auc import accuracy
from disentangle.metrics.intervals import Interval, auc_interval, bootstrap, crossed_bootstrap, percentile_interval

DRAWS = 1000
IMAGE_METHODS = ("gvae", "gvae_finetuned", "dirvae", "autoencoder", "cnn", "pca")
SCORES = {"mig": "mig", "sap": "sap", "dci": "dci_disentanglement"}


@dataclass(frozen=True)
class Ground:
    """What predictions are judged on, one entry a row: truth, person and fold of each slice or lesion."""

    table: pd.DataFrame
    level: str

    @classmethod
    def slices(cls, samples: pd.DataFrame) -> Ground:
        return cls(samples.assign(fold=splits.outer_fold(samples)), "slice")

    @classmethod
    def lesions(cls, samples: pd.DataFrame) -> Ground:
        return cls(splits.lesion_table(samples.assign(fold=splits.outer_fold(samples))), "lesion")

    def of(self, samples: pd.DataFrame, values: np.ndarray) -> np.ndarray:
        """Slice-wise values (image,) at this level: as they are, or the mean over each lesion's slices."""
        if self.level == "slice":
            return np.asarray(values, float)
        return lesion_logits(values, samples["lesion"]).loc[self.table.index].to_numpy()

    def auc(self, scores: np.ndarray, minus: np.ndarray | None = None, labels: np.ndarray | None = None) -> Interval:
        """AUC, or paired difference, comparing inside folds only; people are drawn. NaN: not scored.

        ``scores`` and ``labels`` may be (runs, n): runs are then drawn together with people.
        """
        truth = self.table["malignant"].to_numpy(float) if labels is None else labels
        people, folds = self.table["subject"].to_numpy(), self.table["fold"].to_numpy()
        scored = np.isfinite(np.atleast_2d(scores)).any(axis=0)
        pick = (slice(None), scored)
        return auc_interval(
            np.atleast_2d(scores)[pick],
            np.atleast_2d(truth)[pick] if np.ndim(truth) == 2 else np.asarray(truth)[scored],
            people[scored],
            draws=DRAWS,
            seed=0,
            minus=None if minus is None else np.atleast_2d(minus)[pick],
            folds=folds[scored],
        )

    def accuracy(self, logits: np.ndarray) -> Interval:
        """Share of rows on the right side of even odds; people are drawn. NaN: not scored."""
        scored = np.isfinite(logits)
        values, truth = logits[scored], self.table["malignant"].to_numpy(float)[scored]
        people = self.table["subject"].to_numpy()[scored]
        return bootstrap(lambda rows: accuracy(values[rows], truth[rows], 0.0), people, draws=DRAWS, seed=0)

    def where(self, rows: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """A function that blanks scores outside ``rows`` (n,) bool, to judge a part of the lesions."""
        return lambda scores: np.where(rows, scores, np.nan)


def honest_logits(
    samples: pd.DataFrame, done: Sequence[dict], method: str, *, seed: int = 0, draw: int | None = None
) -> np.ndarray:
    """Out-of-fold log odds of each slice (image,) from the honest cells of a method; NaN where a fold has not run."""
    logits = np.full(len(samples), np.nan)
    wanted = {"method": method, "seed": seed, "draw": draw}
    for cell in _matching(done, "honest_", wanted):
        rows = samples["lesion"].isin(cell["scores"]["lesions"]).to_numpy()
        logits[rows] = _checked(unpack_logits(cell["scores"]["logits"]), int(rows.sum()), cell["cell"])
    return logits


def control_logits(samples: pd.DataFrame, done: Sequence[dict], prefix: str, **wanted: object) -> np.ndarray:
    """Out-of-fold log odds of each slice (image,) from control cells whose names begin so; NaN: not run."""
    logits = np.full(len(samples), np.nan)
    for cell in _matching(done, prefix, wanted):
        rows = samples["lesion"].isin(cell["scores"]["lesions"]).to_numpy()
        logits[rows] = _checked(unpack_logits(cell["scores"]["logits"]), int(rows.sum()), cell["cell"])
    return logits


def published_logits(samples: pd.DataFrame, done: Sequence[dict], *, draw: int | None = None) -> np.ndarray:
    """Cross-validated log odds of each slice (image,) in the published order; NaN where the cell has not run."""
    for cell in _matching(done, "published_", {"draw": draw, "seed": 0}):
        return _checked(unpack_logits(cell["scores"]["logits"]), len(samples), cell["cell"])
    return np.full(len(samples), np.nan)


def best_image_logits(samples: pd.DataFrame, done: Sequence[dict]) -> tuple[np.ndarray, dict[int, str]]:
    """Each fold by the method that its own validation people prefer: log odds (image,), and the choices.

    Only folds in which every image method has run take part.
    """
    cells = {
        (cell["parameters"]["method"], cell["parameters"]["fold"]): cell
        for cell in _matching(done, "honest_", {"draw": None})
    }
    logits, chosen = np.full(len(samples), np.nan), {}
    for fold in range(splits.FOLDS):
        of_fold = {method: cells.get((method, fold)) for method in IMAGE_METHODS}
        if not all(of_fold.values()):
            continue
        chosen[fold] = max(of_fold, key=lambda method: of_fold[method]["scores"]["validation_auc"])
        rows = splits.outer_fold(samples) == fold
        logits[rows] = honest_logits(samples, [of_fold[chosen[fold]]], chosen[fold])[rows]
    return logits, chosen


def per_person(done: Sequence[dict], name: str, method: str) -> np.ndarray:
    """A reconstruction score of each test person (people,), all folds of a method one after the other."""
    cells = sorted(_matching(done, "honest_", {"method": method, "draw": None}), key=lambda c: c["parameters"]["fold"])
    return np.concatenate([cell["scores"][name] for cell in cells]) if cells else np.empty(0)


def exploration(done: Sequence[dict]) -> pd.DataFrame:
    """One row a cell of the exploration grid: model, beta, concentration, seed, means of what was measured."""
    rows = []
    for cell in done:
        scores, plain = cell["scores"], cell["scores"]["disentanglement"]
        row = {key: cell["parameters"][key] for key in ("model", "beta", "concentration", "seed")}
        row |= {name: float(np.mean(scores[name])) for name in ("ssim", "mse", "ssim_image", "mse_image")}
        row |= {"kl_nats": scores["kl_nats"], "active_units": scores["active_units"], "cell": cell}
        for part in plain:
            row |= {f"{name}.{part}": plain[part][column] for name, column in SCORES.items()}
        row["purity"] = scores["traversals"]["purity"]
        rows.append(row)
    return pd.DataFrame(rows)


def ssim_of(table: pd.DataFrame, name: str = "ssim") -> np.ndarray:
    """Scores (people, seeds) of the cells in ``table``, one column a cell."""
    return np.column_stack([cell["scores"][name] for cell in table["cell"]])


def reconstruction_difference(first: pd.DataFrame, second: pd.DataFrame, name: str) -> Interval:
    """Mean paired difference over people and seeds of two models' cells, matched by seed."""
    seeds = sorted(set(first["seed"]) & set(second["seed"]))
    sides = [ssim_of(table.set_index("seed").loc[seeds].reset_index(), name) for table in (first, second)]
    return crossed_bootstrap(sides[0] - sides[1], draws=DRAWS, seed=0)


def score_interval(table: pd.DataFrame, name: str, part: str = "plain") -> Interval:
    """A disentanglement score, mean over the cells' seeds, with people drawn.

    A resampled lesion counts twice, which raises mutual information; so the draws give the spread alone, and the
    interval is centred on the measured value.
    """
    value = float(table[f"{name}.{part}"].mean())
    drawn = np.mean([_draws(cell, name, part) for cell in table["cell"]], axis=0)
    return _centred(value, drawn, _people(table))


def matched_difference(table: pd.DataFrame, name: str, part: str = "plain") -> tuple[Interval, tuple[float, float]]:
    """Score of the Dirichlet model minus the Gaussian one at equal SSIM, and the range of SSIM compared.

    ``table`` holds both models over beta (same concentration). The curves of a seed, score over SSIM, are read at
    five points of the range that both reach, and the differences averaged; where the ranges do not meet, at their
    nearest ends. Seeds whose curves have fewer points than the others' are left out.
    """
    points = table.groupby("seed").size()
    values, drawn, reach = [], [], []
    for seed in points.index[points == points.max()]:
        of_seed = table[table["seed"] == seed]
        curves = [of_seed[of_seed["model"] == model].sort_values("ssim") for model in ("gvae", "dirvae")]
        low = max(curve["ssim"].min() for curve in curves)
        high = min(curve["ssim"].max() for curve in curves)
        at = np.linspace(low, high, 5) if low < high else np.array([(low + high) / 2])
        read = [np.interp(at, curve["ssim"], curve[f"{name}.{part}"]).mean() for curve in curves]
        draws = [_read_draws(curve, at, name, part) for curve in curves]
        values.append(read[1] - read[0])
        drawn.append(draws[1] - draws[0])
        reach.append((float(at.min()), float(at.max())))
    interval = _centred(float(np.mean(values)), np.mean(drawn, axis=0), _people(table))
    return interval, (min(one[0] for one in reach), max(one[1] for one in reach))


def _read_draws(curve: pd.DataFrame, at: np.ndarray, name: str, part: str) -> np.ndarray:
    """Each bootstrap draw of a score (draws,), read at points of a curve over SSIM and averaged."""
    of_cells = np.array([_draws(cell, name, part) for cell in curve["cell"]])
    return np.array([np.interp(at, curve["ssim"], of_cells[:, draw]).mean() for draw in range(of_cells.shape[1])])


def purity_interval(table: pd.DataFrame) -> Interval:
    """Purity of single-dimension traversals, mean over seeds; dimensions are drawn. ``n`` counts dimensions."""
    changes = [np.asarray(cell["scores"]["traversals"]["changes"]) for cell in table["cell"]]
    rng = np.random.default_rng(0)
    size = len(changes[0])
    drawn = [np.mean([_purity(one[rng.integers(size, size=size)]) for one in changes]) for _ in range(DRAWS)]
    return percentile_interval(float(np.mean([_purity(one) for one in changes])), np.asarray(drawn), size)


def excess_agreement(table: pd.DataFrame, label: str, condition: str) -> Interval:
    """NMI of clusters with a label minus its mean over permutations; the bounds are those of the permutations."""
    found = [cell["scores"]["clusters"][label][condition] for cell in table["cell"]]
    names = ("value", "null_mean", "null_low", "null_high")
    value, mean, low, high = (np.mean([one[name] for one in found]) for name in names)
    return Interval(float(value - mean), float(value - high), float(value - low), _people(table))


def _purity(changes: np.ndarray) -> float:
    total = changes.sum()
    return float(changes.max(axis=1).sum() / total) if total > 0 else float("nan")


def _draws(cell: dict, name: str, part: str) -> np.ndarray:
    return np.asarray(cell["scores"]["disentanglement_draws"][part][SCORES[name]], float)


def _centred(value: float, drawn: np.ndarray, people: int) -> Interval:
    return percentile_interval(value, value + drawn - drawn.mean(), people)


def _people(table: pd.DataFrame) -> int:
    return len(table["cell"].iloc[0]["scores"]["ssim"])


def _matching(done: Sequence[dict], prefix: str, wanted: dict) -> list[dict]:
    return [
        cell
        for cell in done
        if cell["cell"].startswith(prefix) and all(cell["parameters"].get(k) == v for k, v in wanted.items())
    ]


def _checked(values: np.ndarray, expected: int, cell: str) -> np.ndarray:
    if len(values) != expected:
        raise ValueError(f"cell {cell} has {len(values)} predictions, the cohort has {expected} such slices")
    return values
