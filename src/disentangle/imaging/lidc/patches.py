"""Cohort ``lidc_patches``: real grey values of solid LIDC-IDRI nodules, 64x64, the lesion on black.

Layout: ``images/<maligno|benigno>/<exam>/<nodule>/<slice>.png`` and a table in ``features/`` with the columns
``exam_id, nodule_id, diameter_mm, volume, malignancy, class``. Nodules are solid (texture 5), 3 to 30 mm,
rated by one reader with 1, 2 (benign) or 4, 5 (malignant).

**Pixel size.** The files do not state it, but it is in them: patches are cut at the scan's own pixels,
neither rescaled nor fitted to the lesion. Evidence on the 600 nodules: the table's ``diameter_mm`` is a whole
multiple of one length within every exam; 558 times (93 %) that multiple is the longer side of the mask's
bounding box in pixels, 599 times within one pixel of it; and in 95 % of the exams the length found this way
is a pixel size that occurs among the 1,018 scans. ``pixel_spacing`` recovers the length; so a patch is 32 to
62 mm wide and areas here are in mm2. Black surroundings mean that the mask is given away with the image.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, UnidentifiedImageError
from scipy import ndimage

from disentangle.imaging.cohort import Cohort, Provenance

SIDE = 64
CLASSES = {"benigno": 0.0, "maligno": 1.0}
COLUMNS = ("exam_id", "nodule_id", "diameter_mm", "malignancy", "class")
_TABLE_CLASSES = {"BENIGN": 0.0, "MALIGNANT": 1.0}
_PIXEL_MM = (0.45, 0.98)  # pixel sizes of the 1,018 scans: 0.461 to 0.977 mm

PROVENANCE = Provenance(
    real=True,
    source="LIDC-IDRI solid nodules, 8-bit slices with the lesion on black",
    licence="CC BY 3.0",
    citation="Armato et al., Medical Physics 38:915, 2011; doi:10.7937/K9/TCIA.2015.LO9QL9SX",
    note=(
        "One reader's rating. The intensity window is unknown. Pixel size recovered from the table's "
        "diameters (multiples of one length within every exam). An exam counts as a person; eight of the "
        "1,010 people of LIDC-IDRI have two."
    ),
)


class PatchError(ValueError):
    """A folder of patches that is not as documented; the message names the file."""


def load(folder: Path) -> Cohort:
    """Read all patches.

    Images are float32 (slice, 1, 64, 64), grey level / 255; masks are the pixels above zero with holes
    filled. Of the contract's ratings only ``malignancy`` is known. ``volume_mm3`` is the table's volume,
    which counts in pixel2 x mm, times the area of a pixel. Samples are in order of exam, nodule and slice.

    Raises PatchError on an image that is no 64x64 8-bit grey picture or is empty, on unknown folders, on a
    nodule in both classes, and where folder and table disagree.
    """
    folder = Path(folder)
    slices = _slices(folder)
    table = _read_table(folder)
    pixels = np.stack([_read_patch(path) for path in slices["path"]])
    masks = np.stack([ndimage.binary_fill_holes(patch > 0) for patch in pixels])
    lesions = _lesions(slices, table, masks)
    samples = _samples(slices, lesions, masks)
    spacing = samples.pop("spacing_mm").to_numpy(np.float32)
    return Cohort(
        name="lidc_patches",
        images=(pixels[:, None] / np.float32(255)).astype(np.float32),
        samples=samples,
        subjects=_subjects(lesions),
        spacing_mm=np.stack([spacing, spacing], axis=1),
        provenance=PROVENANCE,
        masks=masks,
    )


def pixel_spacing(diameters_mm: Iterable[float], sides: Iterable[int]) -> float:
    """Pixel size (mm) of an exam from the diameters (mm) and the longer box sides (pixels) of its nodules.

    Diameters are whole multiples of the pixel size; the multiple is the side or close to it. Of all pixel
    sizes that make one multiple at most two pixels off its side, the one is taken that makes all multiples
    whole and nearest to their sides; where several do (one nodule alone), a field of view of whole mm over
    512 pixels decides.
    """
    diameters, sides = np.asarray(list(diameters_mm), float), np.asarray(list(sides), float)
    candidates = [d / (s + k) for d, s in zip(diameters, sides, strict=True) for k in (0, 1, -1, 2, -2) if s + k > 0]

    def misfit(spacing: float) -> float:
        multiples = diameters / spacing
        broken = (np.abs(multiples - np.rint(multiples)) > 5e-3).sum()
        field_of_view = spacing * 512
        odd_field = abs(field_of_view - round(field_of_view)) > 5e-3
        outside = not _PIXEL_MM[0] <= spacing <= _PIXEL_MM[1]
        return 10 * broken + np.abs(multiples - sides).sum() + 0.5 * odd_field + 100 * outside

    return min(candidates, key=misfit)


def check(folder: Path) -> tuple[list[tuple[str, str, str]], list[str]]:
    """What lies in a folder of patches: (what, found, expected) and problems. Every picture is opened."""
    lines, problems = [], []
    try:
        slices = _slices(Path(folder))
        nodules = slices.groupby(["exam", "nodule"], sort=False).ngroups
        lines += [
            ("slices", f"{len(slices):,}", "3,393 in the part that the book uses"),
            ("nodules", str(nodules), "600"),
            ("exams", str(slices["exam"].nunique()), "345"),
        ]
        broken = [message for path in slices["path"] if (message := _complaint(path))]
        lines.append(("unusable pictures", str(len(broken)), "0"))
        problems += broken[:5]
        people = slices.groupby("malignant")["exam"].nunique()
        lines += [(f"exams with a nodule in {name}", str(people.get(at, 0)), "some") for name, at in CLASSES.items()]
        problems += [
            f"{folder}: no nodule in {name}, expected both" for name, at in CLASSES.items() if at not in people
        ]
        table = _read_table(Path(folder))
        lines.append(("rows of the table", str(len(table)), f"{nodules}, one a nodule"))
        _matched(slices, table)
    except PatchError as error:
        problems.append(str(error))
    return lines, problems


def _complaint(path: Path) -> str:
    try:
        _read_patch(path)
    except PatchError as error:
        return str(error)
    return ""


def _slices(folder: Path) -> pd.DataFrame:
    """One row per picture (exam, nodule, slice, malignant, path), sorted."""
    images = folder / "images"
    if not images.is_dir():
        raise PatchError(f"{folder}: no folder 'images', found {_listing(folder)}")
    unknown = sorted(p.name for p in images.iterdir() if p.is_dir() and p.name not in CLASSES)
    if unknown:
        raise PatchError(f"{images}: unknown class folder {unknown[0]!r}, expected {' and '.join(CLASSES)}")
    rows = []
    for path in (path for path in images.rglob("*.png") if not path.name.startswith(".")):
        parts = path.relative_to(images).parts
        if len(parts) != 4 or not path.stem.isdigit():
            raise PatchError(f"{path}: expected <class>/<exam>/<nodule>/<number>.png below {images}")
        rows.append((parts[1], parts[2], int(path.stem), CLASSES[parts[0]], path))
    if not rows:
        raise PatchError(f"{images}: no picture .png in it")
    slices = pd.DataFrame(rows, columns=["exam", "nodule", "slice", "malignant", "path"])
    classes = slices.groupby(["exam", "nodule"])["malignant"].nunique()
    if (classes > 1).any():
        exam, nodule = classes.index[classes > 1][0]
        raise PatchError(f"{images}: nodule {nodule!r} of exam {exam} lies in both classes, benigno and maligno")
    return slices.sort_values(["exam", "nodule", "slice"], ignore_index=True)


def _read_patch(path: Path) -> np.ndarray:
    """One picture as uint8 (64, 64)."""
    try:
        with Image.open(path) as picture:
            mode, pixels = picture.mode, np.asarray(picture)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise PatchError(f"{path}: unreadable PNG ({type(error).__name__}: {error})") from error
    if pixels.dtype != np.uint8 or mode not in ("L", "RGB", "RGBA"):
        raise PatchError(f"{path}: pixels are {pixels.dtype} (mode {mode}), expected 8-bit grey")
    if pixels.ndim == 3:
        if (pixels[..., :1] != pixels[..., :3]).any():
            raise PatchError(f"{path}: a colour picture, expected grey")
        pixels = pixels[..., 0]
    if pixels.shape != (SIDE, SIDE):
        rows, columns = pixels.shape
        raise PatchError(f"{path}: {rows}x{columns} pixels, expected {SIDE}x{SIDE}")
    if not pixels.any():
        raise PatchError(f"{path}: every pixel is 0, expected a lesion on black")
    return pixels


def _read_table(folder: Path) -> pd.DataFrame:
    """The nodules of all tables below ``features`` that have the columns, indexed by (exam, nodule)."""
    features = folder / "features"
    within = features / "radiomics" if (features / "radiomics").is_dir() else features
    tables = []
    for path in sorted(path for path in within.rglob("*.csv") if not path.name.startswith(".")):
        try:
            table = pd.read_csv(path, dtype={"exam_id": str, "nodule_id": str})
        except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
            raise PatchError(f"{path}: not a readable CSV ({type(error).__name__}: {error})") from error
        if set(COLUMNS) <= set(table.columns):
            tables.append(table)
    if not tables:
        raise PatchError(f"{features}: no table with the columns {', '.join(COLUMNS)}")
    table = pd.concat(tables).drop_duplicates().set_index(["exam_id", "nodule_id"]).rename_axis(["exam", "nodule"])
    if table.index.has_duplicates:
        raise PatchError(f"{features}: nodule {table.index[table.index.duplicated()][0]} stands in it twice")
    strange = set(table["class"]) - set(_TABLE_CLASSES)
    if strange:
        raise PatchError(f"{features}: class {sorted(map(str, strange))[0]!r}, expected {sorted(_TABLE_CLASSES)}")
    return table


def _matched(slices: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The table's rows of the nodules that have pictures; folder and table must agree."""
    malignant = slices.groupby(["exam", "nodule"])["malignant"].first()
    absent = malignant.index.difference(table.index)
    if len(absent):
        raise PatchError(f"the table lacks {len(absent)} nodules that have pictures, such as {absent[0]}")
    rows = table.loc[malignant.index]
    wrong = malignant.index[rows["class"].map(_TABLE_CLASSES).to_numpy() != malignant.to_numpy()]
    if len(wrong):
        said, lies = rows.loc[wrong[0], "class"], "maligno" if malignant[wrong[0]] else "benigno"
        raise PatchError(f"nodule {wrong[0]} lies in folder {lies!r} but the table says {said}")
    return rows.assign(malignant=malignant)


def _lesions(slices: pd.DataFrame, table: pd.DataFrame, masks: np.ndarray) -> pd.DataFrame:
    """One row per nodule with pixel size (mm), diameter, volume and rating."""
    rows = _matched(slices, table)
    sides = np.maximum(masks.any(axis=2).sum(axis=1), masks.any(axis=1).sum(axis=1))
    rows["side"] = slices.assign(side=sides).groupby(["exam", "nodule"])["side"].max()
    spacing = {exam: _spacing_of(exam, group) for exam, group in rows.groupby(level="exam")}
    rows["spacing_mm"] = rows.index.get_level_values("exam").map(spacing)
    volume = rows["volume"] * rows["spacing_mm"] ** 2 if "volume" in rows else np.nan
    return rows.assign(lesion=np.arange(len(rows)), volume_mm3=volume)


def _spacing_of(exam: str, nodules: pd.DataFrame) -> float:
    """Pixel size of an exam from those of its nodules whose diameter the table knows."""
    known = nodules[nodules["diameter_mm"].notna()]
    if known.empty:
        raise PatchError(f"exam {exam}: the table has no diameter_mm of any nodule, which the pixel size follows from")
    return pixel_spacing(known["diameter_mm"], known["side"])


def _samples(slices: pd.DataFrame, lesions: pd.DataFrame, masks: np.ndarray) -> pd.DataFrame:
    keep = ["lesion", "malignancy", "spacing_mm", "volume_mm3", "diameter_mm"]
    known = lesions[keep].rename(columns={"diameter_mm": "table_diameter_mm"}).reset_index()
    samples = slices.drop(columns="path").merge(known, on=["exam", "nodule"], how="left", validate="many_to_one")
    samples["area_mm2"] = masks.sum(axis=(1, 2)) * samples["spacing_mm"] ** 2
    samples["diameter_mm"] = 2 * np.sqrt(samples["area_mm2"] / np.pi)
    samples["lesion_diameter_mm"] = samples.groupby("lesion")["diameter_mm"].transform("max")
    samples["malignancy"] = samples["malignancy"].astype(float)
    return samples.rename(columns={"exam": "subject"})


def _subjects(lesions: pd.DataFrame) -> pd.DataFrame:
    by_exam = lesions.groupby(level="exam")
    return pd.DataFrame(
        {
            "lesions": by_exam.size(),
            "malignant_lesions": by_exam["malignant"].sum().astype(int),
            "pixel_mm": by_exam["spacing_mm"].first(),
        }
    ).rename_axis("subject")


def _listing(folder: Path) -> str:
    return ", ".join(sorted(p.name for p in folder.iterdir())[:6]) or "nothing"
