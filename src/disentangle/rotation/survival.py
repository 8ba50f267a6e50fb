"""Cox models judged on people they never saw: repeated cross-validation, the ridge chosen inside it.

Digest of the paper, section 6.5 (the paper's own protocol is not known). The models are those of lifelines. One
row a person, so no person is on both sides of a split. What is made of the out-of-fold risks lies
beside: ``concordance`` (c-index, intervals), ``survival_checks`` (groups, log-rank, assumptions, calibration),
``survival_figures``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceError

from disentangle.rotation.ridge_choice import choose_ridge

PENALIZERS = (0.01, 0.1, 1.0, 10.0, 100.0)
INNER_FOLDS = 3
_TIME, _EVENT = "_time", "_event"


class SurvivalError(ValueError):
    """A table, or a choice of covariates, that a survival model cannot be fitted to."""


@dataclass(frozen=True)
class OutOfFold:
    """What models said about people who were not in their training, one row a repeat.

    Attributes
    ----------
    subjects : array (people,)
    time, event : float arrays (people,), event 0 or 1
    risk : float array (repeats, people)
        Log partial hazard (higher: earlier event), relative to the mean of the training people.
    fold : int array (repeats, people)
        In which fold a person was left out. Risks of different folds come from different models.
    penalizer : float array (repeats, folds)
        The chosen ridge; NaN where nothing was penalised.
    horizons, survival : tuple (h,), float array (repeats, people, h)
        Predicted probability of no event by each horizon.
    """

    subjects: np.ndarray
    time: np.ndarray
    event: np.ndarray
    risk: np.ndarray
    fold: np.ndarray
    penalizer: np.ndarray
    horizons: tuple[float, ...] = ()
    survival: np.ndarray = field(default_factory=lambda: np.empty((0, 0, 0)))


def cox_cross_validated(
    table: pd.DataFrame,
    covariates: Sequence[str],
    time: str,
    event: str,
    *,
    seed: int,
    penalizers: Sequence[float] = PENALIZERS,
    unpenalized: Sequence[str] = (),
    folds: int = 5,
    repeats: int = 5,
    inner_folds: int = INNER_FOLDS,
    horizons: Sequence[float] = (),
) -> OutOfFold:
    """Out-of-fold risks of ridge Cox models, the ridge chosen inside each training set.

    Parameters
    ----------
    table : DataFrame, one row a person, index unique
    covariates : columns of ``table``; standardised with the mean and deviation of the training people
    time, event : columns; time above 0, event 1 (happened) or 0 (censored)
    penalizers : strengths to choose from, in lifelines' scale (n * penalizer / 2 * the squared coefficients)
    unpenalized : those of ``covariates`` that the ridge leaves alone, such as age and sex. A strong ridge on the
        others then gives the model of these alone, so that useless covariates need not cost anything.
    folds, repeats, inner_folds
        People are dealt anew for every repeat, evenly over outcome. The deal depends on seed, people and outcome
        only: two calls with other covariates have the same folds, and so can be compared in pairs.
    horizons : times at which to predict survival, in the unit of ``time``

    Notes
    -----
    The ridge is chosen by cross-validated partial likelihood over ``inner_folds`` parts of the training people
    (see ``ridge_choice``); the models that predict are lifelines'.

    Raises
    ------
    SurvivalError
        Names the column, what was found and what to do: nobody with an event, time not above 0, a value missing, a
        constant covariate, fewer events than covariates, people twice.
    """
    data = check_table(table, covariates, time, event)
    _check_choices(data, covariates, penalizers, unpenalized, folds, inner_folds, repeats)
    by_name = np.argsort(data.index.astype(str), kind="stable")  # the deal must not depend on the order of rows
    deal, choice = (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(2))
    fold = np.empty((repeats, len(data)), int)
    for row in fold:
        row[by_name] = _deal(data.iloc[by_name], folds, deal)
    free = np.isin(list(covariates), list(unpenalized))
    risk, survival = np.empty(fold.shape), np.empty((*fold.shape, len(horizons)))
    chosen = np.full((repeats, folds), np.nan)
    for repeat, left_out in np.ndindex(repeats, folds):
        test = fold[repeat] == left_out
        train, unseen = _standardised(data[~test], data[test])
        if not free.all():
            chosen[repeat, left_out] = _inner_choice(train, penalizers, free, inner_folds, choice)
        model = fit_cox(train, _TIME, _EVENT, penalizer=np.where(free, 0.0, chosen[repeat, left_out]))
        risk[repeat, test] = model.predict_log_partial_hazard(unseen)
        if len(horizons):
            survival[repeat, test] = model.predict_survival_function(unseen, times=list(horizons)).T
    outcome = (data[column].to_numpy(float) for column in (_TIME, _EVENT))
    return OutOfFold(data.index.to_numpy(), *outcome, risk, fold, chosen, tuple(horizons), survival)


def fit_cox(
    table: pd.DataFrame,
    time: str,
    event: str,
    *,
    penalizer: float | np.ndarray = 0.0,
    strata: Sequence[str] | None = None,
) -> CoxPHFitter:
    """lifelines' Cox model of all other columns of ``table``, with its failures in words.

    ``penalizer`` is one strength, or one for each covariate.
    """
    model = CoxPHFitter(penalizer=penalizer)
    try:
        return model.fit(table, time, event, strata=strata)
    except (ConvergenceError, np.linalg.LinAlgError) as error:
        raise SurvivalError(
            f"the Cox model of {len(table)} people and covariates {_covariates(table, time, event)[:8]} did not "
            f"converge ({str(error).splitlines()[0][:120]}); are some covariates combinations of others, or one of "
            "them different in a few people only? Leave these out or use a stronger penalizer"
        ) from error


def check_table(table: pd.DataFrame, covariates: Sequence[str], time: str, event: str) -> pd.DataFrame:
    """The columns of a survival model as numbers, or SurvivalError that says what is wrong with them.

    Returns a table of floats with ``covariates``, ``_time`` and ``_event``, indexed like ``table``.
    """
    _check_columns(table, covariates, time, event)
    columns = [*covariates, time, event]
    try:
        data = table[columns].astype(float)
    except (TypeError, ValueError) as error:
        raise SurvivalError(
            f"a column of {columns} does not hold numbers ({error}); encode categories first"
        ) from error
    for column in columns:
        missing = int((~np.isfinite(data[column])).sum())
        if missing:
            raise SurvivalError(
                f"column {column!r} is missing or infinite in {missing} of {len(data)} people, such as "
                f"{data.index[~np.isfinite(data[column])][0]!r}; fill it in or leave them out, e.g. "
                f"table.dropna(subset=[{column!r}])"
            )
    _check_outcome(data, time, event)
    _check_covariates(data, covariates, event)
    return data.rename(columns={time: _TIME, event: _EVENT})


def _check_columns(table: pd.DataFrame, covariates: Sequence[str], time: str, event: str) -> None:
    if not len(covariates):
        raise SurvivalError("covariates is empty, expected at least one column")
    absent = [column for column in (*covariates, time, event) if column not in table]
    if absent:
        raise SurvivalError(f"the table has no column {absent}, found {list(table)[:20]}")
    twice = pd.Index([*covariates, time, event])
    if twice.has_duplicates:
        raise SurvivalError(f"columns {sorted(set(twice[twice.duplicated()]))} are named more than once")
    if table.index.has_duplicates:
        person = table.index[table.index.duplicated()][0]
        raise SurvivalError(f"person {person!r} has more than one row, expected one row a person")


def _check_outcome(data: pd.DataFrame, time: str, event: str) -> None:
    early = data.index[data[time] <= 0]
    if len(early):
        raise SurvivalError(
            f"column {time!r} is {data.loc[early[0], time]:g} for {early[0]!r} ({len(early)} people at or below 0), "
            "expected times above 0: an event before the start of follow-up cannot be predicted"
        )
    values = sorted(set(data[event]))
    if not set(values) <= {0.0, 1.0}:
        raise SurvivalError(f"column {event!r} holds {values[:6]}, expected 1 (event) and 0 (censored)")
    if values == [0.0]:
        raise SurvivalError(f"column {event!r} is 0 for all {len(data)} people: all censored, nothing to learn from")


def _check_covariates(data: pd.DataFrame, covariates: Sequence[str], event: str) -> None:
    for column in covariates:
        if np.ptp(data[column]) <= 1e-9 * max(1.0, float(np.abs(data[column]).max())):
            raise SurvivalError(f"covariate {column!r} is {data[column].iloc[0]:g} for everybody; leave it out")
    events = int(data[event].sum())
    if events < len(covariates):
        raise SurvivalError(
            f"{events} events for {len(covariates)} covariates, expected at least one event a covariate "
            "(ten are usual); choose covariates beforehand, without looking at the outcome"
        )


def _check_choices(data, covariates, penalizers, unpenalized, folds, inner_folds, repeats) -> None:
    strange = [column for column in unpenalized if column not in covariates]
    if strange:
        raise SurvivalError(f"unpenalized names {strange}, which are not among the covariates {list(covariates)}")
    if not len(penalizers) or min(penalizers) <= 0:
        raise SurvivalError(f"penalizers are {list(penalizers)}, expected at least one, all above 0")
    if min(folds, inner_folds) < 2 or repeats < 1:
        raise SurvivalError(
            f"folds {folds}, inner_folds {inner_folds}, repeats {repeats}; expected at least 2, 2 and 1"
        )
    events, needed = int(data[_EVENT].sum()), 2 * folds
    if events < needed:
        raise SurvivalError(f"{events} events for {folds} folds, expected at least two events a fold ({needed})")


def _deal(data: pd.DataFrame, folds: int, rng: np.random.Generator) -> np.ndarray:
    """Fold of each row, even over events and, within them, over time."""
    order = np.lexsort((data[_TIME], data[_EVENT]))
    hands = [rng.permutation(folds) for _ in range(-(-len(data) // folds))]
    fold = np.empty(len(data), int)
    fold[order] = np.concatenate(hands)[: len(data)]
    return fold


def _inner_choice(train: pd.DataFrame, penalizers, free: np.ndarray, folds: int, rng: np.random.Generator) -> float:
    order = np.argsort(train.index.astype(str), kind="stable")
    train = train.iloc[order]
    values = train[_covariates(train, _TIME, _EVENT)].to_numpy()
    times, events = train[_TIME].to_numpy(), train[_EVENT].to_numpy()
    return choose_ridge(values, times, events, _deal(train, folds, rng), penalizers, free)


def _standardised(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables on the scale of the training people; a covariate constant among these becomes 0."""
    covariates = _covariates(train, _TIME, _EVENT)
    mean, deviation = train[covariates].mean(), train[covariates].std()
    constant = deviation <= 1e-12
    both = []
    for table in (train, test):
        scaled = (table[covariates] - mean) / deviation.where(~constant, np.inf)
        both.append(scaled.assign(**{_TIME: table[_TIME], _EVENT: table[_EVENT]}))
    return both[0], both[1]


def _covariates(table: pd.DataFrame, time: str, event: str) -> list[str]:
    return [column for column in table if column not in (time, event)]
