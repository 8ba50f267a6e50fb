"""What can be read from a representation: linear and small-network probes with people-disjoint training and test.

Section 5.4 of the paper (logistic regression on z), extended to both factors, to regression, and to controls: image
mean and SD, the single best dimension of z, shuffled labels.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from disentangle.metrics.intervals import Interval, bootstrap

PROBES = ("linear", "network")
HIDDEN = 32
ITERATIONS = 400
SHUFFLES = 5

Features = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class ProbeScore:
    """How well ``probe`` reads ``target`` from ``source`` in test people: 1 - sum of ``error`` / sum of ``spread``.

    For classes that is the accuracy (``error`` counts wrong images, ``spread`` all), for numbers R2 (squared error, and
    squared distance from the mean of training). One entry of each a person in ``subjects``. ``dimension`` is the
    chosen one where the source is a single dimension.
    """

    target: str
    source: str
    probe: str
    measure: str
    subjects: np.ndarray
    error: np.ndarray
    spread: np.ndarray
    dimension: int | None = None

    @property
    def value(self) -> float:
        return float(1 - self.error.sum() / self.spread.sum())

    def interval(self, *, draws: int, seed: int) -> Interval:
        """The value with its interval over test people."""
        return bootstrap(
            lambda rows: 1 - self.error[rows].sum() / self.spread[rows].sum(), self.subjects, draws=draws, seed=seed
        )

    def record(self, *, draws: int, seed: int, people: bool = False) -> dict[str, object]:
        """JSON-ready: what was probed, the value and its interval; with ``people`` also error and spread of each."""
        interval = self.interval(draws=draws, seed=seed)
        what = {name: getattr(self, name) for name in ("target", "source", "probe", "measure", "dimension")}
        numbers = {name: round(getattr(interval, name), 4) for name in ("value", "low", "high")}
        single = {name: [float(f"{v:.4g}") for v in getattr(self, name)] for name in ("error", "spread")}
        who = {"subjects": [str(subject) for subject in self.subjects]}
        return what | numbers | {"n": interval.n} | (who | single if people else {})


class _Part(NamedTuple):
    """Rows of training or test: features by source, the target, the person of each."""

    features: dict[str, np.ndarray]
    target: np.ndarray
    subjects: np.ndarray


def probe_scores(
    features: Features,
    targets: pd.DataFrame,
    subjects: Sequence,
    training: np.ndarray,
    *,
    seed: int,
    probes: Sequence[str] = PROBES,
    shuffles: int = SHUFFLES,
) -> list[ProbeScore]:
    """Probe every target from every source.

    Parameters
    ----------
    features : source -> array (image, feature)
        Of the source ``z`` two controls are made as well: ``z_best_dimension`` (the one that reads the target best in
        training) and ``shuffled`` (targets exchanged among training people, mean of ``shuffles`` times).
    targets : DataFrame, one row an image
        Numbers are regressed (R2), all else is classified (accuracy). Rows without a value are left out; a target that
        has one value alone in training or no value in test is passed over.
    subjects : the person of each image
    training : bool array (image,)
        Which images the probes learn from; the others are the test.
    probes : of "linear" (logistic or ridge regression) and "network" (one hidden layer)

    Raises
    ------
    ValueError
        Where numbers of rows differ, a person is in training and in test, or a probe is unknown.
    """
    subjects, training = np.asarray(subjects), np.asarray(training)
    _check(features, targets, subjects, training, probes)
    found = []
    for target in targets:
        parts = _parts(features, targets[target], subjects, training)
        if parts is None:
            continue
        for probe in probes:
            found += [_score(target, source, probe, *parts, seed) for source in features]
            if "z" in features:
                found.append(_shuffled(target, probe, *parts, seed, shuffles))
        if "z" in features and "linear" in probes:
            found.append(_best_dimension(target, *parts, seed))
    return found


def probe_frame(scores: Sequence[ProbeScore], *, draws: int, seed: int) -> pd.DataFrame:
    """A table with a row a score: target, source, probe, measure, value, low, high, n, dimension."""
    return pd.DataFrame([score.record(draws=draws, seed=seed) for score in scores])


def _parts(
    features: Features, target: pd.Series, subjects: np.ndarray, training: np.ndarray
) -> tuple[_Part, _Part] | None:
    known, values = target.notna().to_numpy(), target.to_numpy()
    rows = [np.flatnonzero(known & side) for side in (training, ~training)]
    if target[rows[0]].nunique() < 2 or not len(rows[1]):
        return None
    if _is_number(target):
        values = values.astype(float)
    return tuple(_Part({n: f[at] for n, f in features.items()}, values[at], subjects[at]) for at in rows)


def _score(target: str, source: str, probe: str, train: _Part, test: _Part, seed: int) -> ProbeScore:
    errors = _errors(probe, train.features[source], train.target, test.features[source], test.target, seed)
    return _of_people(target, source, probe, train, test, errors)


def _shuffled(target: str, probe: str, train: _Part, test: _Part, seed: int, shuffles: int) -> ProbeScore:
    rng, x = np.random.default_rng([seed, 17]), (train.features["z"], test.features["z"])
    drawn = [
        _errors(probe, x[0], shuffled_among_people(train.target, train.subjects, rng), x[1], test.target, seed)
        for _ in range(shuffles)
    ]
    return _of_people(target, "shuffled", probe, train, test, np.mean(drawn, axis=0))


def _best_dimension(target: str, train: _Part, test: _Part, seed: int) -> ProbeScore:
    z, y = train.features["z"], train.target
    errors = [_errors("linear", z[:, [d]], y, z[:, [d]], y, seed).sum() for d in range(z.shape[1])]
    best = int(np.argmin(errors))
    errors = _errors("linear", z[:, [best]], y, test.features["z"][:, [best]], test.target, seed)
    return _of_people(target, "z_best_dimension", "linear", train, test, errors, best)


def shuffled_among_people(target: np.ndarray, subjects: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The targets of people exchanged; where a person's images differ, those of all images."""
    people, first, code = np.unique(subjects, return_index=True, return_inverse=True)
    if (target == target[first][code]).all():
        return target[first][rng.permutation(len(people))][code]
    return rng.permutation(target)


def _of_people(
    target: str, source: str, probe: str, train: _Part, test: _Part, errors: np.ndarray, dimension: int | None = None
) -> ProbeScore:
    numbers = train.target.dtype.kind == "f"
    spread = (test.target - train.target.mean()) ** 2 if numbers else np.ones(len(test.target))
    sums = pd.DataFrame({"error": errors, "spread": spread}).groupby(test.subjects).sum()
    measure = "r2" if numbers else "accuracy"
    columns = sums.index.to_numpy(), sums["error"].to_numpy(), sums["spread"].to_numpy()
    return ProbeScore(target, source, probe, measure, *columns, dimension)


def _errors(probe: str, x: np.ndarray, y: np.ndarray, test_x: np.ndarray, test_y: np.ndarray, seed: int) -> np.ndarray:
    """Of each test image: 1 where the class is wrong, or the squared error."""
    from sklearn.exceptions import ConvergenceWarning

    numbers = y.dtype.kind == "f"
    model = _regressor(probe, seed) if numbers else _classifier(probe, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of iterations is meant to bound the work
        guess = model.fit(x, y).predict(test_x)
    return (guess - test_y) ** 2 if numbers else (guess != test_y).astype(float)


_NETWORK = {"hidden_layer_sizes": (HIDDEN,), "alpha": 0.01, "learning_rate_init": 0.003, "max_iter": ITERATIONS}


def _classifier(probe: str, seed: int):
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    linear = probe == "linear"
    model = LogisticRegression(max_iter=2000) if linear else MLPClassifier(random_state=seed, **_NETWORK)
    return make_pipeline(StandardScaler(), model)


def _regressor(probe: str, seed: int):
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.linear_model import Ridge
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = Ridge(1.0) if probe == "linear" else MLPRegressor(random_state=seed, **_NETWORK)
    return TransformedTargetRegressor(make_pipeline(StandardScaler(), model), transformer=StandardScaler())


def _is_number(target: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(target) and not pd.api.types.is_bool_dtype(target)


def _check(
    features: Features, targets: pd.DataFrame, subjects: np.ndarray, training: np.ndarray, probes: Sequence[str]
) -> None:
    rows = {name: len(part) for name, part in features.items()}
    rows |= {"targets": len(targets), "subjects": len(subjects), "training": len(training)}
    if len(set(rows.values())) > 1 or training.dtype != bool:
        raise ValueError(f"numbers of rows differ: {rows}; training is {training.dtype}, expected bool")
    both = sorted(set(subjects[training]) & set(subjects[~training]))
    if both:
        raise ValueError(f"{len(both)} people are in training and in test, such as {str(both[0])!r}")
    unknown = sorted(set(probes) - set(PROBES))
    if unknown:
        raise ValueError(f"no probe {unknown[0]!r}, expected some of {PROBES}")
