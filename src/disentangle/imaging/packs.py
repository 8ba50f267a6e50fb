"""Packs: a real cohort preprocessed once into one file that every machine reads.

A pack is a zip file, readable by ``numpy.load``: quantised images (8-bit MR and patches, 16-bit CT),
bit-packed masks, both tables as CSV and ``cohort.json`` with the terms and the checksum. The cohort that
comes out of the pack *is* the cohort; its ``sha256`` is the checksum that runs record. The same cohort
gives the same bytes.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd

from disentangle.imaging import datasets
from disentangle.imaging.cohort import Cohort, Provenance

SCHEMA = 1
LIMIT_BYTES = 14_000_000  # packs travel to other machines together with the tree
_DEPTH = {8: np.uint8, 16: np.uint16}


class PackError(ValueError):
    """A pack that is damaged, of another schema, or too large to travel."""


def pack(name: str, folder: Path | None = None, *, people: int | None = None) -> Path:
    """Write the pack of a real data set and return its path.

    ``people`` packs the first so many people (of an order fixed by seed 0). The cohort is always read
    anew from ``folder``, by default the one that is configured.

    Raises
    ------
    datasets.DataAbsent
        Where the folder is missing.
    PackError
        Where the pack would be larger than 14 MB.
    """
    entry = datasets.entry(name)
    if not entry.real:
        raise PackError(f"{name} comes with the package, there is nothing to pack")
    folder = datasets.folder(name) if folder is None else Path(folder)
    cohort = datasets.first_people(datasets.read(name, folder), people, seed=0)
    target = datasets.packs_folder() / f"{name}.npz"
    return write_pack(cohort, target, bits=entry.bits, made_from=datasets.fingerprint(name, folder, people))


def read_pack(name: str) -> Cohort:
    """The cohort of ``packs/NAME.npz``; its checksum is verified."""
    path = datasets.packs_folder() / f"{name}.npz"
    if not path.is_file():
        raise datasets.DataAbsent(f"no pack {path.name} in {path.parent}: disentangle data pack {name}")
    return read_pack_file(path)


def write_pack(cohort: Cohort, path: Path, *, bits: int, made_from: str = "", limit: int | None = LIMIT_BYTES) -> Path:
    """Write ``cohort`` to ``path``, aside first and renamed when complete.

    Images are rounded to ``bits`` (8 or 16) between their bounds: 0..1 where they lie inside, else
    their own minimum and maximum.
    """
    stored, arrays, meta = _quantised(cohort, bits)
    meta |= {"made_from": made_from, "sha256": stored.sha256}
    data = _zipped(stored, arrays, meta)
    if limit is not None and len(data) > limit:
        raise PackError(
            f"pack of {cohort.name}: {len(data) / 1e6:.1f} MB for {cohort.people} people, at most "
            f"{limit / 1e6:.0f} MB may travel; pack fewer people"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_bytes(data)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    return path


def read_pack_file(path: Path) -> Cohort:
    """Read a pack; a damaged one is refused with its path."""
    try:
        with np.load(path) as archive:
            meta = json.loads(archive["cohort.json"])
            if meta["schema"] != SCHEMA:
                raise PackError(f"{path}: schema {meta['schema']}, this version reads {SCHEMA}; pack it again")
            cohort = _restored(archive, meta)
    except (zipfile.BadZipFile, KeyError, OSError, EOFError, json.JSONDecodeError) as error:
        raise PackError(f"{path}: damaged pack ({type(error).__name__}: {error}); delete it and pack again") from error
    if cohort.sha256 != meta["sha256"]:
        raise PackError(f"{path}: checksum {cohort.sha256[:12]} but {meta['sha256'][:12]} was recorded; pack it again")
    return cohort


def describe_pack(path: Path) -> dict:
    """The pack's ``cohort.json`` alone, without reading an image."""
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("cohort.json"))
    except (zipfile.BadZipFile, KeyError, json.JSONDecodeError) as error:
        raise PackError(f"{path}: damaged pack ({type(error).__name__}: {error}); delete it and pack again") from error


def as_packed(cohort: Cohort, *, bits: int) -> Cohort:
    """The cohort as it would come out of its pack: the same rounding, the same checksum."""
    return _quantised(cohort, bits)[0]


def _quantised(cohort: Cohort, bits: int) -> tuple[Cohort, dict[str, np.ndarray], dict]:
    if bits not in _DEPTH:
        raise PackError(f"pack of {cohort.name}: {bits} bits, expected one of {sorted(_DEPTH)}")
    if not np.isfinite(cohort.images).all():
        raise PackError(f"pack of {cohort.name}: images hold NaN or infinite values")
    low, high = float(cohort.images.min()), float(cohort.images.max())
    low, high = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    steps = 2**bits - 1
    grey = np.rint((cohort.images - low) / max(high - low, 1e-12) * steps).astype(_DEPTH[bits])
    meta = {
        "schema": SCHEMA,
        "name": cohort.name,
        "low": low,
        "high": high,
        "provenance": asdict(cohort.provenance),
        "samples": {column: str(kind) for column, kind in cohort.samples.dtypes.items()},
        "subjects": {column: str(kind) for column, kind in cohort.subjects.dtypes.items()},
        "mask_shape": None if cohort.masks is None else list(cohort.masks.shape),
        "extra": cohort.extra,
    }
    arrays = {"images": grey, "spacing_mm": cohort.spacing_mm.astype(np.float32)}
    if cohort.masks is not None:
        arrays["masks"] = np.packbits(cohort.masks.astype(bool), axis=-1)
    if cohort.labels is not None:
        arrays["labels"] = cohort.labels
    stored = replace(cohort, images=_grey_to_float(grey, low, high), spacing_mm=arrays["spacing_mm"])
    return stored, arrays, meta


def _grey_to_float(grey: np.ndarray, low: float, high: float) -> np.ndarray:
    scale = np.float32((high - low) / np.iinfo(grey.dtype).max)
    return grey.astype(np.float32) * scale + np.float32(low)


def _restored(archive: np.lib.npyio.NpzFile, meta: dict) -> Cohort:
    masks = None
    if meta["mask_shape"] is not None:
        masks = np.unpackbits(archive["masks"], axis=-1, count=meta["mask_shape"][-1]).astype(bool)
    return Cohort(
        name=meta["name"],
        images=_grey_to_float(archive["images"], meta["low"], meta["high"]),
        samples=_table(archive["samples.csv"], meta["samples"]),
        subjects=_table(archive["subjects.csv"], meta["subjects"], index=True),
        spacing_mm=archive["spacing_mm"],
        provenance=Provenance(**meta["provenance"]),
        masks=masks,
        labels=archive["labels"] if "labels" in archive.files else None,
        extra=meta["extra"],
    )


def _table(text: bytes, kinds: dict[str, str], index: bool = False) -> pd.DataFrame:
    """A CSV table back in its types; words stay words (``"007"``, ``"NA"``)."""
    words = {column for column, kind in kinds.items() if kind in ("object", "str", "string")}
    names = pd.read_csv(io.BytesIO(text), nrows=0).columns
    readers = {column: str for column in words | ({names[0]} if index else set())}
    table = pd.read_csv(
        io.BytesIO(text),
        dtype=readers,
        index_col=names[0] if index else None,
        float_precision="round_trip",
        keep_default_na=False,
        na_values={column: [""] for column in names if column not in readers},
    )
    return table.astype({column: kind for column, kind in kinds.items() if column not in words})


def _zipped(cohort: Cohort, arrays: dict[str, np.ndarray], meta: dict) -> bytes:
    """Zip archive with fixed dates and order, so that equal cohorts give equal bytes."""
    parts = {"cohort.json": json.dumps(meta, indent=1, sort_keys=True).encode()}
    parts["samples.csv"] = cohort.samples.to_csv(index=False).encode()
    parts["subjects.csv"] = cohort.subjects.to_csv().encode()
    for name, array in sorted(arrays.items()):
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
        parts[f"{name}.npy"] = buffer.getvalue()
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 9)
    return whole.getvalue()
