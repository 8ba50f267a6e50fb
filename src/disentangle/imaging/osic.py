"""OSIC Pulmonary Fibrosis Progression: visits with lung capacity, one chest CT a person, time to a drop of 10 %.

Built from documentation and tested on synthetic files; the original files were not tried. Layout of the public
release (Kaggle, after accepting the rules): ``train.csv`` with one row a visit, ``train/<Patient>/<n>.dcm`` (see
``osic_scans``). There is no death in it: the endpoint is the first visit at which forced vital capacity (FVC) is at
least 10 % below baseline.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from disentangle.imaging.osic_scans import OsicError, acquisitions

CITATION = (
    "Open Source Imaging Consortium (OSIC). OSIC Pulmonary Fibrosis Progression, Kaggle competition, 2020. "
    "www.kaggle.com/c/osic-pulmonary-fibrosis-progression"
)
DROP = 0.10
WEEKS_IN_YEAR = 365.25 / 7
_PLAUSIBLE_ML = (200.0, 10_000.0)
_COLUMNS = {
    "Patient": "subject",
    "Weeks": "week",
    "FVC": "fvc_ml",
    "Percent": "fvc_pct",
    "Age": "age",
    "Sex": "sex",
    "SmokingStatus": "smoking",
}
_SMOKING = ("Never smoked", "Ex-smoker", "Currently smokes")


def visits(folder: Path) -> pd.DataFrame:
    """All visits of ``train.csv``, sorted by person and week.

    Columns ``subject``, ``week`` (relative to the CT, may be negative), ``fvc_ml``, ``fvc_pct`` (percent of
    a typical person's), ``age`` (years), ``male`` (1 or 0), ``smoking``. Two measurements of a person in one week,
    which the public release has, are averaged.
    """
    file = _table(Path(folder))
    table = _read(file)
    table["male"] = _coded(file, table["sex"], {"male": 1.0, "female": 0.0})
    for column in ("week", "fvc_ml", "fvc_pct", "age"):
        table[column] = _numbers(file, table, column)
    _check_visits(file, table)
    facts = {column: "mean" for column in ("fvc_ml", "fvc_pct", "age", "male")}
    merged = table.groupby(["subject", "week"], as_index=False).agg({**facts, "smoking": "first"})
    return merged.sort_values(["subject", "week"], ignore_index=True)


def time_to_decline(visits: pd.DataFrame, *, drop: float = DROP, rule: str = "visit") -> pd.DataFrame:
    """Time from baseline to a relative drop of FVC, one row a person (index ``subject``).

    Baseline is the visit nearest the CT (the earlier of two), since the image is to predict; time counts from it
    and earlier visits are not used. The drop happened between two visits: the true time is known only to lie there.

    Parameters
    ----------
    visits : as ``visits`` gives them
    drop : event where FVC <= (1 - drop) * baseline
    rule : "visit" dates the event at the visit that showed it, "midpoint" halfway to the one before (to see whether
        the result depends on it)

    Returns
    -------
    DataFrame
        ``time`` (years), ``event`` (1 or 0), ``after`` (years, last visit without the drop), ``visits`` (number
        used), ``fvc_ml``, ``fvc_pct``, ``age``, ``male``, ``smoking`` (all at baseline). People without a visit after
        baseline have no time and are left out; ``attrs["without_follow_up"]`` names them.
    """
    if rule not in ("visit", "midpoint"):
        raise ValueError(f"rule is {rule!r}, expected 'visit' or 'midpoint'")
    if not 0 < drop < 1:
        raise ValueError(f"drop is {drop}, expected a fraction between 0 and 1, such as 0.10")
    rows, alone = [], []
    for subject, own in visits.groupby("subject", sort=True):
        row = _follow(own.sort_values("week"), drop, rule)
        if row is None:
            alone.append(subject)
        else:
            rows.append({"subject": subject, **row})
    if not rows:
        raise OsicError(f"none of {len(alone)} people has a visit after baseline, so there is no time to a decline")
    table = pd.DataFrame(rows).set_index("subject")
    table.attrs = {"without_follow_up": alone, "citation": CITATION}
    return table


def check(folder: Path) -> tuple[list[tuple[str, str, str]], list[str]]:
    """What lies in a folder: (what, found, expected) and problems. Reads the table and one header a person."""
    try:
        table, scans = visits(folder), acquisitions(folder)
    except OsicError as error:
        return [], [str(error)]
    people = sorted(table["subject"].unique())
    unseen = sorted(set(people) - set(scans.index))
    broken = scans[scans["problem"] != ""]
    problems = [f"{subject}: {problem}" for subject, problem in broken["problem"].items()]
    if unseen:
        problems.append(f"{len(unseen)} people of train.csv have no folder of images, such as {unseen[0]}")
    lines = [
        ("people", str(len(people)), "176 in the public release"),
        ("visits", str(len(table)), "about 1,540 weeks in the public release"),
        ("folders of images", str(len(scans)), str(len(people))),
        ("scanners", ", ".join(sorted(set(scans["manufacturer"]) - {""})), "several"),
        ("unreadable series", str(len(broken)), "0 (a few need pylibjpeg or gdcm)"),
    ]
    return lines, problems[:5]


def _follow(own: pd.DataFrame, drop: float, rule: str) -> dict | None:
    """Time and event of one person's visits, sorted by week; None without a visit after baseline."""
    weeks, capacity = own["week"].to_numpy(float), own["fvc_ml"].to_numpy(float)
    start = int(np.argmin(np.abs(weeks)))
    weeks, capacity, first = weeks[start:] - weeks[start], capacity[start:], own.iloc[start]
    if len(weeks) < 2:
        return None
    low = np.flatnonzero(capacity <= (1 - drop) * capacity[0] + 1e-9)
    end = int(low[0]) if len(low) else len(weeks) - 1
    last_good = weeks[end - 1] if len(low) else weeks[end]
    time = (weeks[end] + last_good) / 2 if len(low) and rule == "midpoint" else weeks[end]
    return {
        "time": time / WEEKS_IN_YEAR,
        "event": float(len(low) > 0),
        "after": last_good / WEEKS_IN_YEAR,
        "visits": end + 1,
        **{column: first[column] for column in ("fvc_ml", "fvc_pct", "age", "male", "smoking")},
    }


def _table(folder: Path) -> Path:
    if folder.is_file():
        return folder
    file = folder / "train.csv"
    if not file.is_file():
        found = sorted(path.name for path in folder.iterdir())[:6] if folder.is_dir() else "no such folder"
        raise OsicError(f"{folder}: no train.csv, found {found}")
    return file


def _read(file: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(file, encoding="utf-8-sig", skipinitialspace=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise OsicError(f"{file}: not a readable CSV ({error})") from error
    names = {column.strip().lower(): column for column in table}
    lacking = [column for column in _COLUMNS if column.lower() not in names]
    if lacking:
        raise OsicError(f"{file}: lacks the columns {lacking}, found {list(table)[:10]}")
    if not len(table):
        raise OsicError(f"{file}: has no visit")
    table = pd.DataFrame({new: table[names[old.lower()]] for old, new in _COLUMNS.items()})
    if table["subject"].isna().any():
        raise OsicError(f"{file}: row {_row(table['subject'].isna())} has no Patient")
    table["subject"] = table["subject"].astype(str).str.strip()
    return table


def _check_visits(file: Path, table: pd.DataFrame) -> None:
    low, high = _PLAUSIBLE_ML
    odd = ~table["fvc_ml"].between(low, high)
    if odd.any():
        at = int(np.flatnonzero(odd)[0])
        raise OsicError(
            f"{file}: row {at + 2}: FVC of {table['subject'][at]} is {table['fvc_ml'][at]:g}, expected millilitres "
            f"({low:.0f} to {high:.0f}; {int(odd.sum())} such rows)"
        )
    sexes = table.groupby("subject")["male"].nunique()
    if (sexes > 1).any():
        raise OsicError(f"{file}: {sexes.index[sexes > 1][0]} is Male in one row and Female in another")
    strange = sorted(set(table["smoking"].dropna().astype(str).str.strip()) - set(_SMOKING))
    if strange:
        raise OsicError(f"{file}: SmokingStatus holds {strange[:3]}, expected {list(_SMOKING)}")


def _numbers(file: Path, table: pd.DataFrame, column: str) -> pd.Series:
    numbers = pd.to_numeric(table[column], errors="coerce").astype(float)
    wrong = ~np.isfinite(numbers)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        name = next(old for old, new in _COLUMNS.items() if new == column)
        found = f"{name} of {table['subject'][at]} is '{table[column][at]}'"
        raise OsicError(f"{file}: row {at + 2}: {found}, expected a number")
    return numbers


def _coded(file: Path, column: pd.Series, codes: dict[str, float]) -> pd.Series:
    plain = column.astype(str).str.strip().str.lower()
    unknown = ~plain.isin(list(codes))
    if unknown.any():
        raise OsicError(f"{file}: row {_row(unknown)}: Sex is {column[unknown].iloc[0]!r}, expected Male or Female")
    return plain.map(codes).astype(float)


def _row(wrong: pd.Series) -> int:
    """Line of the file of the first True."""
    return int(np.flatnonzero(wrong)[0]) + 2
