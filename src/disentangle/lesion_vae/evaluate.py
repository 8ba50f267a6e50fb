"""From the cells of the lesion experiments to findings: predictions put together, intervals, matched comparisons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from disentangle.lesion_vae import splits
from disentangle.lesion_vae.predictions import lesion_logits, unpack_logits
from disentangle.metrics.auc import accuracy, auc
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

    def folds_ahead(self, scores: np.ndarray, minus: np.ndarray) -> tuple[int, int]:
        """In how many folds the first scores have the larger AUC, and of how many: one training a fold and side."""
        ahead = total = 0
        for number in np.unique(self.table["fold"]):
            rows = (self.table["fold"] == number).to_numpy() & np.isfinite(scores) & np.isfinite(minus)
            truth = self.table["malignant"].to_numpy(float)[rows]
            if len(np.unique(truth)) == 2:
                ahead += auc(scores[rows], truth) > auc(minus[rows], truth)
                total += 1
        return int(ahead), total

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


def per_person(done: Sequence[dict], name: str, method: str, folds: Sequence[int] | None = None) -> np.ndarray:
    """A reconstruction score of each test person (people,), the folds of a method one after the other; None: all."""
    cells = sorted(_matching(done, "honest_", {"method": method, "draw": None}), key=lambda c: c["parameters"]["fold"])
    kept = [cell["scores"][name] for cell in cells if folds is None or cell["parameters"]["fold"] in folds]
    return np.concatenate(kept) if kept else np.empty(0)


def rounds_kept(done: Sequence[dict], method: str = "gvae_finetuned") -> dict[int, int]:
    """How many rounds of fine-tuning each fold's validation people let stand; 0: the autoencoder is as it was."""
    cells = _matching(done, "honest_", {"method": method, "draw": None})
    return dict(sorted((cell["parameters"]["fold"], cell["scores"]["chosen_round"]) for cell in cells))


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
            row[f"informativeness.{part}"] = plain[part]["dci_informativeness"]
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
    """A disentanglement score, mean over the cells' seeds, with people and seeds drawn.

    A resampled lesion counts twice, which raises mutual information; so the draws give the spread alone, and the
    interval is centred on the measured value.
    """
    drawn = np.stack([_draws(cell, name, part) for cell in table["cell"]])
    return _over_seeds(table[f"{name}.{part}"].to_numpy(float), drawn, _people(table))


def matched_difference(
    table: pd.DataFrame, name: str, part: str = "plain", by: str = "ssim"
) -> tuple[Interval, tuple[float, float]]:
    """Score of the Dirichlet model minus the Gaussian one at equal SSIM (or ``kl_nats``), and the range compared.

    ``table`` holds both models over beta (same concentration). The curves of a seed, score over SSIM, are read at
    five points of the range that both reach, and the differences averaged; where the ranges do not meet, at their
    nearest ends. Nats are read on a logarithmic axis. People and seeds are drawn. Seeds whose curves have fewer
    points than the others' are left out.
    """
    values, drawn, reach = [], [], []
    for low, high, curves in _readings(table, by):
        first, second = (read @ curve[f"{name}.{part}"].to_numpy(float) for curve, read in curves)
        values.append(second - first)
        of_draws = [read @ np.stack([_draws(cell, name, part) for cell in curve["cell"]]) for curve, read in curves]
        drawn.append(of_draws[1] - of_draws[0])
        reach.append((low, high))
    interval = _over_seeds(np.array(values), np.stack(drawn), _people(table))
    return interval, (min(one[0] for one in reach), max(one[1] for one in reach))


def matched_reconstruction(table: pd.DataFrame, name: str = "ssim") -> tuple[Interval, tuple[float, float]]:
    """A reconstruction score of the Gaussian model minus the Dirichlet one at equal nats, and the nats compared.

    Read person by person from the curves of `matched_difference`; people and seeds are drawn.
    """
    sides, reach = [], []
    for low, high, curves in _readings(table, "kl_nats"):
        first, second = (read @ ssim_of(curve, name).T for curve, read in curves)
        sides.append(first - second)
        reach.append((low, high))
    interval = crossed_bootstrap(np.column_stack(sides), draws=DRAWS, seed=0)
    return interval, (min(one[0] for one in reach), max(one[1] for one in reach))


def trainings_read(table: pd.DataFrame, by: str = "ssim") -> dict[str, tuple[int, tuple[float, ...]]]:
    """For each model how many trainings `matched_difference` reads its curve from, and their betas."""
    counts, betas = {"gvae": 0, "dirvae": 0}, {"gvae": set(), "dirvae": set()}
    for _, _, curves in _readings(table, by):
        for model, (curve, read) in zip(counts, curves, strict=True):
            counts[model] += int((read > 0).sum())
            betas[model] |= set(curve["beta"][read > 0])
    return {model: (counts[model], tuple(sorted(betas[model]))) for model in counts}


def _readings(table: pd.DataFrame, by: str):
    """For each seed the range compared, and the curve of each model with the weight of its points (point,)."""
    points = table.groupby("seed").size()
    for seed in points.index[points == points.max()]:
        of_seed = table[table["seed"] == seed]
        curves = [of_seed[of_seed["model"] == model].sort_values(by) for model in ("gvae", "dirvae")]
        low, high = max(curve[by].min() for curve in curves), min(curve[by].max() for curve in curves)
        low, high = (low, high) if low < high else ((low + high) / 2,) * 2
        along = np.log if by == "kl_nats" else np.asarray
        at = np.linspace(along(low), along(high), 5)
        reads = [
            np.array([np.interp(at, along(curve[by].to_numpy(float)), one).mean() for one in np.eye(len(curve))])
            for curve in curves
        ]
        yield float(low), float(high), list(zip(curves, reads, strict=True))


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


def _over_seeds(values: np.ndarray, drawn: np.ndarray, people: int) -> Interval:
    """Mean of ``values`` (seeds,), with the people's draws of each (seeds, draws) about it, and seeds drawn."""
    around = values[:, None] + drawn - drawn.mean(axis=1, keepdims=True)
    rng, seeds = np.random.default_rng(0), len(values)
    weights = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=DRAWS) / seeds
    means = (weights * around[:, rng.integers(drawn.shape[1], size=DRAWS)].T).sum(axis=1)
    return percentile_interval(float(values.mean()), means, people)


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
