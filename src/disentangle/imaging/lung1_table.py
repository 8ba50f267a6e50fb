"""Survival table of NSCLC-Radiomics (Lung1): clinical facts of lung cancer patients and radiomics of their tumours.

No images. Takes the provider's clinical table (422 people, built from documentation) and the public extract that adds
100 features of the tumour for some people (289 people, tried on the original file): both have the same
clinical columns. Aerts et al. 2014; CC BY-NC 3.0.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pandas as pd

from disentangle.imaging.datasets import DataAbsent

CITATION = (
    "Aerts HJWL et al. Decoding tumour phenotype by noninvasive imaging using a quantitative radiomics approach. "
    "Nature Communications 5:4006, 2014. Data: doi:10.7937/K9/TCIA.2015.PF0M9REI"
)
LICENCE = "CC BY-NC 3.0"
HOW_TO_GET = (
    "Fetch the clinical table of the collection NSCLC-Radiomics from The Cancer Imaging Archive "
    "(doi:10.7937/K9/TCIA.2015.PF0M9REI)"
)
CLINICAL = ("age", "male", "t_stage", "n_stage", "stage")
# Of the four features of Aerts et al. the three without wavelets, by their names in PyRadiomics; the fourth is not in
# the table. PyRadiomics has sphericity where the paper has compactness, which is its third power.
SIGNATURE = (
    "original_firstorder_Energy",
    "original_shape_Sphericity",
    "original_glrlm_GrayLevelNonUniformity",
)
DAYS_IN_YEAR = 365.25
_PLACE = Path("lung1") / "clinical_radiomics.csv"
_STAGES = {"i": 1, "ii": 2, "iiia": 3, "iiib": 4}
_COLUMNS = {
    "age": "age",
    "clinical.T.Stage": "t_stage",
    "Clinical.N.Stage": "n_stage",
    "Clinical.M.Stage": "m_stage",
    "Overall.Stage": "stage",
    "Histology": "histology",
    "gender": "male",
    "Survival.time": "time",
    "deadstatus.event": "event",
}


class TableError(ValueError):
    """A table of people that is not what its reader expects."""


def load(file: Path | None = None) -> pd.DataFrame:
    """One row a person, indexed by ``subject``.

    Parameters
    ----------
    file : the CSV; None looks for ``lung1/clinical_radiomics.csv`` in DISENTANGLE_DATA

    Returns
    -------
    DataFrame
        ``time`` (years from start of treatment), ``event`` (1 dead, 0 alive when last seen), ``age`` (years),
        ``male``, ``t_stage``, ``n_stage``, ``m_stage``, ``stage`` (overall: I 1, II 2, IIIa 3, IIIb 4),
        ``histology`` (text), then the columns of radiomics under their own names. What is not known is NaN.
        ``attrs``: licence, citation and the file's sha256.

    Raises
    ------
    DataAbsent where there is no file; TableError with the file, column and person where something is wrong with it.
    """
    file = _file() if file is None else Path(file)
    table = _read(file)
    known = pd.DataFrame({new: table[old] for old, new in _COLUMNS.items()})
    people = table["PatientID"].astype(str)
    if people.duplicated().any():
        raise TableError(f"{file}: {people[people.duplicated()].iloc[0]} has more than one row, expected one a person")
    known.index = pd.Index(people, name="subject")
    known["male"] = _coded(file, known["male"], {"male": 1.0, "female": 0.0})
    known["stage"] = _coded(file, known["stage"], _STAGES)
    for column in ("age", "t_stage", "n_stage", "m_stage", "time", "event"):
        known[column] = _numbers(file, known[column])
    _check(file, known)
    known["time"] = known["time"] / DAYS_IN_YEAR
    radiomics = table[features(table)].set_axis(known.index).apply(lambda column: _numbers(file, column))
    result = pd.concat([known, radiomics], axis=1)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    result.attrs = {"licence": LICENCE, "citation": CITATION, "sha256": digest}
    return result


def features(table: pd.DataFrame) -> list[str]:
    """Names of the columns of radiomics."""
    return [column for column in table if column.startswith("original_")]


def _file() -> Path:
    named = os.environ.get("DISENTANGLE_DATA")
    if named and (Path(named) / _PLACE).is_file():
        return Path(named) / _PLACE
    raise DataAbsent(
        f"the table of Lung1 is not on this machine ({_PLACE} in DISENTANGLE_DATA, which is "
        f"{'not set' if not named else named}). {HOW_TO_GET} and give its path, or put it there"
    )


def _read(file: Path) -> pd.DataFrame:
    if not file.is_file():
        raise DataAbsent(f"{file} is not a file. {HOW_TO_GET}")
    try:
        table = pd.read_csv(file)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise TableError(f"{file}: not a readable CSV ({error})") from error
    lacking = [column for column in ("PatientID", *_COLUMNS) if column not in table]
    if lacking:
        raise TableError(f"{file}: lacks the columns {lacking}, found {list(table)[:12]}")
    if not len(table):
        raise TableError(f"{file}: has no row")
    return table


def _coded(file: Path, column: pd.Series, codes: dict[str, float]) -> pd.Series:
    plain = column.astype("string").str.strip().str.lower()
    unknown = sorted(set(plain.dropna()) - set(codes))
    if unknown:
        raise TableError(f"{file}: column {column.name!r} holds {unknown[:4]}, expected {list(codes)}")
    return plain.map(codes).astype(float)


def _numbers(file: Path, column: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    lost = numbers.isna() & column.notna() & ~column.astype(str).str.strip().str.lower().isin(("na", "nan", ""))
    if lost.any():
        person = column.index[np.flatnonzero(lost)[0]]
        raise TableError(f"{file}: column {column.name!r} is {column[person]!r} for {person}, expected a number")
    return numbers


def _check(file: Path, known: pd.DataFrame) -> None:
    unusable = known.index[~(known["time"] > 0)]
    if len(unusable):
        raise TableError(
            f"{file}: Survival.time of {unusable[0]} is {known.loc[unusable[0], 'time']:g} days, expected above 0 "
            f"({len(unusable)} such people)"
        )
    if not set(known["event"]) <= {0.0, 1.0}:
        raise TableError(f"{file}: deadstatus.event holds {sorted(set(known['event']))[:5]}, expected 0 and 1")
