"""The table in the package holds the published lesions, equals a fresh build, and is refused when damaged."""

import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from disentangle.imaging.lidc import table
from disentangle.imaging.lidc.annotations import (
    AnnotationDatabase,
    AnnotationsAbsent,
    AnnotationsDamaged,
    read_annotations,
)
from disentangle.imaging.lidc.build import build_lesions
from disentangle.imaging.lidc.lesion import RATINGS, Lesion
from disentangle.imaging.lidc.selection import at_least, mean_malignancy, published, readers3, select
from disentangle.imaging.lidc.table import TABLE, TableDamaged, read_lesions, write_lesions


@pytest.fixture(scope="module")
def lesions() -> list[Lesion]:
    return read_lesions()


def _same(one: Lesion, other: Lesion) -> bool:
    return all(np.array_equal(vars(one)[name], value) for name, value in vars(other).items())


# What is in it


def test_table_holds_all_lesions(lesions: list[Lesion]):
    assert len(lesions) == 2651
    assert len({lesion.patient for lesion in lesions}) == 875
    assert sum(lesion.readers for lesion in lesions) == 6859


def test_readers_per_lesion_are_as_published(lesions: list[Lesion]):
    readers = Counter(min(lesion.readers, 5) for lesion in lesions)
    assert readers == {1: 769, 2: 491, 3: 481, 4: 896, 5: 14}


def test_mean_ratings_are_as_published(lesions: list[Lesion]):
    means = np.array([mean_malignancy(lesion) for lesion in lesions])
    assert [(means < 3).sum(), (means == 3).sum(), (means > 3).sum()] == [1365, 640, 646]


def test_masks_lie_tight_in_their_box(lesions: list[Lesion]):
    for lesion in lesions:
        union = lesion.reader_masks.any(axis=0)
        assert all(side.any() for plane in (0, -1) for side in (union[plane], union[:, plane], union[:, :, plane]))
        assert lesion.reader_masks.any(axis=(1, 2, 3)).all()
        assert len(lesion.z_mm) == len(union)
        assert lesion.ratings.shape == (lesion.readers, len(RATINGS))


def test_slices_ascend_at_the_spacing_of_the_scan(lesions: list[Lesion]):
    steps = np.concatenate([np.diff(lesion.z_mm) / lesion.slice_spacing_mm for lesion in lesions])
    assert steps.min() > 0
    assert np.mean(np.abs(steps - 1) < 0.01) > 0.99


def test_consensus_keeps_what_half_of_the_readers_include(lesions: list[Lesion]):
    two = next(lesion for lesion in lesions if lesion.readers == 2)
    np.testing.assert_array_equal(two.consensus(), two.reader_masks.any(axis=0))
    np.testing.assert_array_equal(two.consensus(level=1.0), two.reader_masks.all(axis=0))


def test_eight_patients_have_a_second_scan(lesions: list[Lesion]):
    second = {lesion.patient for lesion in lesions if not lesion.first_scan_of_patient}
    assert second == {f"LIDC-IDRI-{number:04d}" for number in (132, 151, 315, 332, 355, 365, 442, 484)}
    assert sum(lesion.first_scan_of_patient for lesion in lesions) == 2625


# Whom a study takes


@pytest.mark.parametrize(
    ("readers", "count", "patients", "slices"),
    [(1, 2005, 799, 11269), (2, 1577, 730, 9401), (3, 1194, 639, 7512), (4, 791, 511, 5353)],
)
def test_least_number_of_readers(lesions: list[Lesion], readers: int, count: int, patients: int, slices: int):
    chosen = at_least(lesions, readers)
    assert len(chosen) == count
    assert len({one.lesion.patient for one in chosen}) == patients
    assert sum(len(one.slices) for one in chosen) == slices


def test_rule_of_the_paper(lesions: list[Lesion]):
    chosen = published(lesions)
    assert sum(len(one.slices) for one in chosen) == 13920
    assert len({one.lesion.patient for one in chosen}) == 875
    by_rating = Counter(one.malignancy for one in chosen)
    assert by_rating == {1: 320, 2: 489, 3: 1240, 4: 351, 5: 219}


def test_published_counts_include_groups_above_four(lesions: list[Lesion]):
    without = readers3([lesion for lesion in lesions if lesion.readers <= 4])
    assert (len(without), sum(len(one.slices) for one in without)) == (1180, 7344)


def test_malignant_is_above_three_and_unknown_at_three(lesions: list[Lesion]):
    for one in published(lesions):
        expected = {1: 0, 2: 0, 4: 1, 5: 1}.get(one.malignancy, np.nan)
        np.testing.assert_equal(one.malignant, expected)


def test_unknown_rule_is_refused(lesions: list[Lesion]):
    with pytest.raises(ValueError, match=r"no rule 'readers5'.*\['published', 'readers3'\]"):
        select(lesions, "readers5")


# How it is made


def _chain(row: int, column: int, side: int) -> str:
    """The pixels around a square of ``side`` whose first pixel is (row, column)."""
    ring = [(r, c) for r in range(row - 1, row + side + 1) for c in range(column - 1, column + side + 1)]
    edge = [(r, c) for r, c in ring if r in (row - 1, row + side) or c in (column - 1, column + side)]
    middle = np.mean(edge, axis=0)
    edge.sort(key=lambda point: np.arctan2(point[0] - middle[0], point[1] - middle[1]))
    return "\n".join(f"{c},{r}" for r, c in edge)


def _small_database() -> AnnotationDatabase:
    """Two readers on one lesion of two slices, a third on a lesion 20 mm away."""
    scans = pd.DataFrame(
        [(4, "1.2.3", "LIDC-IDRI-0009", 2.0, 0.5, 1)],
        columns=[
            "id",
            "series_instance_uid",
            "patient_id",
            "slice_thickness",
            "pixel_spacing",
            "contrast_used",
        ],
    )
    names = ["internalStructure" if name == "internal_structure" else name for name in RATINGS]
    ratings = pd.DataFrame([range(1, 10), range(2, 11), range(3, 12)], columns=names)
    annotations = pd.concat([pd.DataFrame({"id": [7, 8, 9], "scan_id": 4}), ratings], axis=1)
    drawn = [
        (1, 7, 1, -98.0, _chain(50, 60, 6)),
        (2, 7, 1, -96.0, _chain(50, 60, 5)),
        (3, 8, 1, -98.0, _chain(51, 60, 6)),
        (4, 9, 1, -98.0, _chain(50, 110, 4)),
    ]
    contours = pd.DataFrame(drawn, columns=["id", "annotation_id", "inclusion", "image_z_position", "coords"])
    zvals = pd.DataFrame({"scan_id": 4, "val": np.arange(-100.0, -80.0, 2.0)})
    return AnnotationDatabase(scans, annotations, contours, zvals)


def test_small_scan_worked_out_by_hand():
    first, second = build_lesions(_small_database())
    assert (first.patient, first.series_uid, first.contrast) == ("LIDC-IDRI-0009", "1.2.3", True)
    assert (first.slice_offset, first.row_offset, first.column_offset) == (1, 50, 60)
    assert first.z_mm.tolist() == [-98.0, -96.0]
    assert first.reader_masks.sum(axis=(2, 3)).tolist() == [[36, 25], [36, 0]]
    assert first.consensus().sum(axis=(1, 2)).tolist() == [42, 25]
    assert first.rating("malignancy").tolist() == [9, 10]
    assert (second.row_offset, second.column_offset) == (50, 110)
    assert second.reader_masks.shape == (1, 1, 4, 4)


def test_contour_between_slices_is_refused():
    database = _small_database()
    database.contours.loc[2, "image_z_position"] = -97.5
    with pytest.raises(AnnotationsDamaged, match=r"contour 3 lies at z = -97.5 mm, where scan 4 has no slice"):
        build_lesions(database)


@pytest.mark.slow
def test_embedded_table_equals_a_fresh_build(lesions: list[Lesion]):
    try:
        database = read_annotations()
    except AnnotationsAbsent as absent:
        pytest.skip(str(absent))
    fresh = build_lesions(database)
    assert len(fresh) == len(lesions)
    assert [one.id for one, other in zip(fresh, lesions, strict=True) if not _same(one, other)] == []


# The file


def test_file_is_small_and_names_its_source():
    assert TABLE.stat().st_size < 1_000_000
    attribution = TABLE.with_name("ATTRIBUTION.txt").read_text()
    assert "CC BY 3.0" in attribution and "10.7937/K9/TCIA.2015.LO9QL9SX" in attribution


def test_what_is_written_is_read_back_and_bytes_do_not_depend_on_time(lesions: list[Lesion], tmp_path: Path):
    some = lesions[:40]
    for name in ("a.npz", "b.npz"):
        write_lesions(some, tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    again = read_lesions(tmp_path / "a.npz")
    assert all(_same(one, other) for one, other in zip(again, some, strict=True))


def test_missing_table_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"no table of lesions at .*absent.npz; build it again with"):
        read_lesions(tmp_path / "absent.npz")


def _truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _one_byte_altered(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [_truncated, _one_byte_altered, lambda content: b"", lambda content: b"<html>" * 99])
def test_damaged_table_is_refused_and_the_remedy_named(tmp_path: Path, damage):
    path = tmp_path / "damaged.npz"
    path.write_bytes(damage(TABLE.read_bytes()))
    with pytest.raises(TableDamaged, match="damaged.npz: .*python -m disentangle.imaging.lidc.table"):
        read_lesions(path)


def test_table_without_a_member_names_it(tmp_path: Path):
    path = tmp_path / "partial.npz"
    with zipfile.ZipFile(TABLE) as whole, zipfile.ZipFile(path, "w") as partial:
        for name in set(whole.namelist()) - {"ratings.npy"}:
            partial.writestr(name, whole.read(name))
    with pytest.raises(TableDamaged, match=r"members \['ratings'\] are missing"):
        read_lesions(path)


def test_table_of_another_format_is_refused(lesions: list[Lesion], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(table, "FORMAT", 2)
    write_lesions(lesions[:3], tmp_path / "later.npz")
    monkeypatch.undo()
    with pytest.raises(TableDamaged, match="format 2, expected 1"):
        read_lesions(tmp_path / "later.npz")


def test_full_disk_leaves_the_old_table(lesions: list[Lesion], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "table.npz"
    write_lesions(lesions[:3], path)
    before = path.read_bytes()

    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(table, "_write_member", no_space)
    with pytest.raises(OSError, match="No space left"):
        write_lesions(lesions[:5], path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["table.npz"]
