"""What is asked of a survival model besides its c-index: risk groups, hazards that stay proportional, calibration.

Everything about risk uses out-of-fold predictions. Estimators and tests are those of lifelines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test, proportional_hazard_test
from scipy.stats import chi2, rankdata

from disentangle.rotation.survival import OutOfFold, SurvivalError, check_table, fit_cox

_TIME, _EVENT = "_time", "_event"
_EVENTS_PER_COVARIATE = 10


@dataclass(frozen=True)
class Test:
    """A test statistic with its degrees of freedom and p-value."""

    __test__ = False  # not for pytest

    statistic: float
    df: int
    p: float


def risk_groups(scores: OutOfFold, names: Sequence[str] = ("lower risk", "higher risk")) -> pd.Series:
    """People in equal groups of rising out-of-fold risk, indexed by subject, an ordered category.

    Risks of different models are not comparable, so a person's place is their rank within the fold, averaged over
    repeats. Two names split at the median.
    """
    place = np.zeros(len(scores.subjects))
    for risk, fold in zip(scores.risk, scores.fold, strict=True):
        for one in np.unique(fold):
            inside = fold == one
            place[inside] += (rankdata(risk[inside]) - 0.5) / inside.sum()
    order = rankdata(place, method="ordinal") - 1
    groups = pd.Categorical.from_codes(order * len(names) // len(order), list(names), ordered=True)
    return pd.Series(groups, index=pd.Index(scores.subjects, name="subject"), name="group")


def logrank(time: np.ndarray, event: np.ndarray, groups: Sequence) -> Test:
    """Log-rank test that survival is the same in all groups.

    For groups made from cross-validated risks the p-value is only a guide: each person helped to train the models
    that placed the others, so the groups are not independent of the outcome even when nothing predicts it
    (Simon et al. 2011, Briefings in Bioinformatics 12:203). The c-index decides.
    """
    groups = np.asarray(groups)
    if len(np.unique(groups)) < 2:
        raise SurvivalError(f"a log-rank test needs two groups, found {np.unique(groups).tolist()}")
    result = multivariate_logrank_test(np.asarray(time, float), groups, np.asarray(event))
    return Test(float(result.test_statistic), len(np.unique(groups)) - 1, float(result.p_value))


def at_risk(time: np.ndarray, groups: Sequence, at: Sequence[float]) -> pd.DataFrame:
    """People still followed, without event, just before each time: one row a group, one column a time."""
    time, groups = np.asarray(time, float), pd.Series(np.asarray(groups), dtype=getattr(groups, "dtype", None))
    names = groups.cat.categories if isinstance(groups.dtype, pd.CategoricalDtype) else sorted(groups.unique())
    rows = [[int((time[(groups == name).to_numpy()] >= moment).sum()) for moment in at] for name in names]
    return pd.DataFrame(rows, index=pd.Index(names, name="group"), columns=list(at))


def proportional_hazards(
    table: pd.DataFrame, covariates: Sequence[str], time: str, event: str, *, penalizer: float = 0.0
) -> pd.DataFrame:
    """Test for each covariate that its hazard ratio does not change with time (scaled Schoenfeld residuals, ranks).

    Returns a table indexed by covariate with ``coefficient``, ``hazard_ratio`` (of one standard deviation),
    ``chi2``, ``p`` and ``p_holm`` (Holm's correction over the covariates). Where ``p_holm`` is small, stratify by
    the covariate or report that its effect changes. Grambsch and Therneau 1994, Biometrika 81:515.
    """
    data = check_table(table, covariates, time, event)
    scaled = data[list(covariates)]
    scaled = (scaled - scaled.mean()) / scaled.std()
    _check_rank(scaled, penalizer)
    data = scaled.assign(**{_TIME: data[_TIME], _EVENT: data[_EVENT]})
    model = fit_cox(data, _TIME, _EVENT, penalizer=penalizer)
    result = proportional_hazard_test(model, data, time_transform="rank")
    found = pd.DataFrame(
        {
            "coefficient": model.params_,
            "hazard_ratio": np.exp(model.params_),
            "chi2": np.ravel(result.test_statistic),
            "p": np.ravel(result.p_value),
        }
    ).rename_axis("covariate")
    return found.assign(p_holm=holm(found["p"].to_numpy()))


def likelihood_ratio(table: pd.DataFrame, smaller: Sequence[str], larger: Sequence[str], time: str, event: str) -> Test:
    """Likelihood-ratio test of two nested Cox models without penalty, on the people that both are fitted to.

    Raises SurvivalError unless ``larger`` contains ``smaller`` and there are ten events for each covariate.
    """
    added = [column for column in larger if column not in smaller]
    if not set(smaller) <= set(larger) or not added:
        raise SurvivalError(f"models {list(smaller)} and {list(larger)} are not nested, expected the second larger")
    data = check_table(table, larger, time, event)
    events = int(data[_EVENT].sum())
    if events < _EVENTS_PER_COVARIATE * len(larger):
        raise SurvivalError(
            f"{events} events for {len(larger)} covariates without penalty, expected {_EVENTS_PER_COVARIATE} each"
        )
    _check_rank(data[list(larger)], 0.0)
    models = [fit_cox(data[[*columns, _TIME, _EVENT]], _TIME, _EVENT) for columns in (smaller, larger)]
    statistic = 2 * (models[1].log_likelihood_ - models[0].log_likelihood_)
    return Test(float(statistic), len(added), float(chi2.sf(statistic, len(added))))


def calibration(scores: OutOfFold, horizon: float, groups: int = 5) -> pd.DataFrame:
    """Predicted against observed survival at ``horizon``, in groups of equal size by predicted survival.

    ``horizon`` is one of those that ``cox_cross_validated`` was given. Predictions are averaged over repeats.
    Returns one row a group: ``people``, ``predicted`` (mean), ``observed`` (Kaplan-Meier), ``low``, ``high`` (its
    95 % interval).
    """
    if horizon not in scores.horizons:
        raise SurvivalError(f"nothing was predicted for time {horizon:g}, only for {list(scores.horizons)}")
    latest = float(scores.time.max())
    if horizon > latest:
        raise SurvivalError(f"nobody was followed to {horizon:g}, the longest time is {latest:g}")
    predicted = scores.survival[:, :, scores.horizons.index(horizon)].mean(axis=0)
    place = (rankdata(predicted, method="ordinal").astype(int) - 1) * groups // len(predicted)
    rows = []
    for one in range(groups):
        inside = place == one
        curve = KaplanMeierFitter().fit(scores.time[inside], scores.event[inside])
        low, high = curve.confidence_interval_.asof(horizon)
        rows.append((int(inside.sum()), predicted[inside].mean(), float(curve.predict(horizon)), low, high))
    return pd.DataFrame(rows, columns=["people", "predicted", "observed", "low", "high"])


def calibration_slope(scores: OutOfFold) -> tuple[float, float]:
    """Slope of the out-of-fold log hazard in a Cox model of the outcome, and its standard error.

    1: the predicted differences are as large as the real ones; below 1: too large (overfitted); above 1: too small
    (the ridge is strong). Folds are strata; slopes and their errors are averaged over repeats, which share their
    people, so the error of the average is not below that of one repeat by much.
    """
    slopes = []
    for risk, fold in zip(scores.risk, scores.fold, strict=True):
        if np.ptp(risk) == 0:
            raise SurvivalError("every predicted risk is the same, so there is no slope")
        data = pd.DataFrame({"risk": risk, "fold": fold, _TIME: scores.time, _EVENT: scores.event})
        model = fit_cox(data, _TIME, _EVENT, strata=["fold"])
        slopes.append((float(model.params_["risk"]), float(model.standard_errors_["risk"])))
    slope, error = np.mean(slopes, axis=0)
    return float(slope), float(error)


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's step-down correction of p-values (n,)."""
    p_values = np.asarray(p_values, float)
    order = np.argsort(p_values)
    raised = np.maximum.accumulate(p_values[order] * np.arange(len(order), 0, -1))
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(1, raised)
    return corrected


def _check_rank(covariates: pd.DataFrame, penalizer: float) -> None:
    values = covariates.to_numpy(float)
    rank = int(np.linalg.matrix_rank(values - values.mean(axis=0)))
    if penalizer == 0 and rank < values.shape[1]:
        raise SurvivalError(
            f"the {values.shape[1]} covariates {list(covariates)[:8]} have rank {rank}: some are combinations of "
            "others (log-ratios sum to zero: leave one cluster out), or give a penalizer above 0"
        )
