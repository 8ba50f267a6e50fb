"""What a segmentation is worth person by person: 3D Dice, released 2D score, HD95, ejection fraction; ready for JSON.

Digest section 6. Only frames at ED and ES count: those between have no labels in real sets. Structures are written
small (``rv``, ``myo``, ``lv``), as in the ids of findings; what has no value is None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from disentangle.imaging.cardiac.ejection import ejection_fraction
from disentangle.imaging.cardiac.labels import LV, NAMES
from disentangle.imaging.cardiac.stacks import END_DIASTOLE, END_SYSTOLE
from disentangle.imaging.cardiac.window import to_native
from disentangle.imaging.cohort import Cohort
from disentangle.metrics.segmentation import dice_by_slice, dice_by_volume, hausdorff_95_mm, released_dice
from disentangle.sdnet.fitted import Fitted, segment

STRUCTURES = {name.lower(): label for label, name in NAMES.items()}
PHASES = (END_DIASTOLE, END_SYSTOLE)
_DIGITS = 4
_VOLUME = ["subject", "phase"]

Drawn = Mapping[tuple[str, str], np.ndarray]
Score = dict[str, object]


def scores_by_person(
    cohort: Cohort, predicted: np.ndarray, native: bool = True, *, drawn: Drawn | None = None
) -> list[Score]:
    """Dice and ejection fraction of each person.

    Parameters
    ----------
    cohort
        With labels RV 1, MYO 2, LV 3 and the columns subject, phase and slice.
    predicted
        Labels (image, side, side), integer, or probabilities (image, 1 + classes, side, side), float, of every image.
    native
        On the grid of the files, else on that of the cohort. For a cohort that was not resampled (HDF5 ``acdc``,
        ``heart_phantom``) both have the same truth.
    drawn
        Labels as drawn, (slice, row, column) by (subject, phase): ``acdc.native_labels`` of a resampled cohort.

    Returns
    -------
    list of dict, one a person: ``subject``, ``diagnosis``; ``rv``, ``myo``, ``lv`` (3D Dice, mean of the phases) and
    ``mean`` (of the three); ``ed`` and ``es`` with the same names; ``ef_true`` and ``ef_predicted`` (0..1, LV).

    Raises
    ------
    ValueError
        Without labels at ED and ES, for predictions that do not fit, and where the truth on the native grid is
        unknown since labels were resampled.
    """
    samples, truth, found = _compared(cohort, predicted, native, drawn)
    dice = dice_by_volume(truth, found, samples[_VOLUME], STRUCTURES)
    fractions = {"ef_true": ejection_fraction(truth, samples), "ef_predicted": ejection_fraction(found, samples)}
    return [
        _who(cohort, subject)
        | _structure_scores(part.mean())
        | {phase.lower(): _structure_scores(row) for (_, phase), row in part.iterrows()}
        | {name: _rounded(values[subject]) for name, values in fractions.items()}
        for subject, part in dice.groupby(level="subject", sort=False)
    ]


def released_scores_by_person(cohort: Cohort, probabilities: np.ndarray) -> list[Score]:
    """The score of the SDNet release (2D, smoothed, on the cohort's grid): see `released_dice`.

    ``probabilities`` (image, 1 + classes, side, side), background first. Keys: ``subject``, ``diagnosis``, ``rv``,
    ``myo``, ``lv`` and ``average`` (pooled and not rounded).
    """
    rows = _scored_rows(cohort, len(probabilities))
    samples = cohort.samples.iloc[rows]
    table = released_dice(cohort.labels[rows], probabilities[rows], samples["subject"].to_numpy(), STRUCTURES)
    return [
        _who(cohort, subject) | {name: _rounded(value) for name, value in row.items()}
        for subject, row in table.iterrows()
    ]


def hausdorff_by_person(cohort: Cohort, predicted: np.ndarray) -> list[Score]:
    """HD95 in mm on the cohort's grid: ``rv``, ``myo``, ``lv`` (mean of the phases) and ``missed``.

    ``missed`` counts the structures at ED and ES that were drawn and not found: these have no distance and are left
    out of the means. ``predicted`` are labels (image, side, side). Raises ValueError where spacing is unknown.
    """
    samples, truth, found = _compared(cohort, predicted, False, None)
    if "slice_mm" not in samples:
        raise ValueError(f"cohort {cohort.name}: samples lack 'slice_mm', found {list(samples)}")
    spacing = np.column_stack([samples["slice_mm"], cohort.spacing_mm[_scored_rows(cohort, len(predicted))]])
    truth, found = np.stack(truth), np.stack(found)
    places = pd.Series(np.arange(len(samples)), index=samples.index).groupby([samples["subject"], samples["phase"]])
    volumes: dict[str, list[np.ndarray]] = {}
    for (subject, _), rows in places:
        at = rows.to_numpy()[np.argsort(samples["slice"].iloc[rows], kind="stable")]
        distances = [hausdorff_95_mm(truth[at] == s, found[at] == s, spacing[at[0]]) for s in STRUCTURES.values()]
        volumes.setdefault(subject, []).append(np.array(distances))
    return [_distances(cohort, subject, np.stack(rows)) for subject, rows in volumes.items()]


def sunnybrook_scores(fitted: Fitted, cohort: Cohort) -> list[Score]:
    """LV of people from ``sunnybrook``, on the native grid; only this cavity is drawn there.

    Keys: ``subject``, ``diagnosis``; ``lv`` (3D Dice, mean of the phases), ``lv_slice`` (mean of the 2D Dice of single
    slices), ``slices`` (phase -> Dice of each, from base to apex), ``ef_true`` and ``ef_predicted``.
    """
    return lv_scores(cohort, segment(fitted, cohort))


def lv_scores(cohort: Cohort, predicted: np.ndarray) -> list[Score]:
    """`sunnybrook_scores` of predicted labels (image, side, side) or probabilities."""
    samples, truth, found = _compared(cohort, predicted, True, None)
    names = {"lv": LV}
    volumes = dice_by_volume(truth, found, samples[_VOLUME], names)["lv"].groupby(level="subject").mean()
    fractions = {"ef_true": ejection_fraction(truth, samples), "ef_predicted": ejection_fraction(found, samples)}
    table = samples.assign(lv=dice_by_slice(truth, found, names)["lv"].to_numpy()).sort_values("slice", kind="stable")
    return [
        _who(cohort, subject)
        | {"lv": _rounded(volumes[subject]), "lv_slice": _rounded(part["lv"].mean())}
        | {"slices": {p: [_rounded(v) for v in part["lv"][part["phase"] == p]] for p in PHASES}}
        | {name: _rounded(values[subject]) for name, values in fractions.items()}
        for subject, part in table.groupby("subject")
    ]


def _compared(
    cohort: Cohort, predicted: np.ndarray, native: bool, drawn: Drawn | None
) -> tuple[pd.DataFrame, list[np.ndarray], list[np.ndarray]]:
    """Table, truth and predicted labels of all slices at ED and ES, on one grid."""
    rows = _scored_rows(cohort, len(predicted))
    samples, predicted = cohort.samples.iloc[rows].reset_index(drop=True), np.asarray(predicted)[rows]
    if not native:
        labels = predicted if predicted.ndim == 3 else predicted.argmax(1)
        return samples, list(cohort.labels[rows]), list(labels)
    return samples, _native_truth(cohort, rows, samples, drawn), to_native(predicted, samples)


def _native_truth(cohort: Cohort, rows: np.ndarray, samples: pd.DataFrame, drawn: Drawn | None) -> list[np.ndarray]:
    if drawn is not None:
        return _in_order(samples, drawn)
    resampled = (samples[["step_row", "step_column"]] != 1).any(axis=1)
    if resampled.any():
        subject = samples["subject"][resampled].iloc[0]
        raise ValueError(
            f"cohort {cohort.name}: labels of {subject} were resampled, so its truth on the native grid is not in the "
            "cohort; pass drawn=acdc.native_labels(folder), or native=False for the cohort's own grid"
        )
    return to_native(cohort.labels[rows], samples)


def _in_order(samples: pd.DataFrame, drawn: Drawn) -> list[np.ndarray]:
    """Native label images in the order of ``samples``, whose rows of a volume come in the order of its slices."""
    place = samples.groupby(_VOLUME).cumcount()
    truth = []
    for at, (subject, phase) in enumerate(samples[_VOLUME].itertuples(index=False)):
        if (subject, phase) not in drawn or place[at] >= len(drawn[subject, phase]):
            raise ValueError(f"drawn has no slice {place[at]} of {subject} at {phase}")
        truth.append(drawn[subject, phase][place[at]])
    return truth


def _scored_rows(cohort: Cohort, predictions: int) -> np.ndarray:
    """Numbers of the images at ED and ES, which must have labels."""
    if predictions != len(cohort):
        raise ValueError(f"{predictions} predictions for {len(cohort)} images of cohort {cohort.name}")
    absent = {"phase", "slice"} - set(cohort.samples)
    if absent or cohort.labels is None:
        lacks = "labels" if cohort.labels is None else f"the columns {sorted(absent)}"
        raise ValueError(f"cohort {cohort.name} lacks {lacks}, needed for scores by person and phase")
    rows = np.flatnonzero(cohort.samples["phase"].isin(PHASES))
    unknown = ~np.isin(cohort.labels[rows], [0, *NAMES]).all(axis=(1, 2))
    if not len(rows) or unknown.any():
        found = f"image {rows[unknown][0]} has unknown labels" if len(rows) else "no image at ED or ES"
        raise ValueError(f"cohort {cohort.name}: {found}, expected RV 1, MYO 2, LV 3 on images at ED and ES")
    return rows


def _who(cohort: Cohort, subject: str) -> Score:
    diagnosis = cohort.subjects.loc[subject].get("diagnosis")
    return {"subject": str(subject), "diagnosis": None if diagnosis is None else str(diagnosis)}


def _structure_scores(dice: pd.Series) -> Score:
    values = {name: _rounded(dice[name]) for name in STRUCTURES}
    return values | {"mean": _rounded(dice[list(STRUCTURES)].mean())}


def _distances(cohort: Cohort, subject: str, distances: np.ndarray) -> Score:
    """``distances`` (phase, structure): infinite where missed, NaN where never drawn."""
    known = np.where(np.isfinite(distances), distances, np.nan)
    means = pd.DataFrame(known, columns=list(STRUCTURES)).mean()
    values = {name: _rounded(value) for name, value in means.items()}
    return _who(cohort, subject) | values | {"missed": int(np.isinf(distances).sum())}


def _rounded(value: float | Sequence) -> float | None:
    return round(float(value), _DIGITS) if np.isfinite(value) else None
