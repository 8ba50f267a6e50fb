"""Patches of solid nodules: what is read, what is recovered, what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from disentangle.imaging.lidc import patches

EXAMS = ("53a", "53b", "53c")


def _disc(radius: float, hole: bool = False) -> np.ndarray:
    row, column = np.mgrid[:64, :64]
    picture = np.where((row - 32) ** 2 + (column - 32) ** 2 <= radius**2, 150, 0).astype(np.uint8)
    if hole:
        picture[32, 32] = 0
    return picture


def _write(folder: Path, malignant: bool, exam: str, nodule: str, pictures: list[np.ndarray]) -> None:
    place = folder / "images" / ("maligno" if malignant else "benigno") / exam / nodule
    place.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(place / f"{number}.png")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Three exams of pixel sizes 0.5, 0.625 and 0.75 mm with two nodules each, discs of known radius."""
    rows = []
    for exam, pixel in zip(EXAMS, (0.5, 0.625, 0.75), strict=True):
        for nodule, radius, malignant in (("Nodule 001", 4, False), ("007", 9, True)):
            _write(tmp_path, malignant, exam, nodule, [_disc(radius), _disc(radius - 2, hole=True)])
            rows.append((exam, nodule, (2 * radius + 1) * pixel, 100.0, 5 if malignant else 1, malignant))
    table = pd.DataFrame(rows, columns=["exam_id", "nodule_id", "diameter_mm", "volume", "malignancy", "class"])
    table["class"] = table["class"].map({True: "MALIGNANT", False: "BENIGN"})
    (tmp_path / "features" / "radiomics").mkdir(parents=True)
    table.to_csv(tmp_path / "features" / "radiomics" / "nodules.csv", index=False)
    return tmp_path


def _first(tree: Path, name: str = "0.png") -> Path:
    return tree / "images" / "benigno" / "53a" / "Nodule 001" / name


def test_every_slice_comes_with_its_exam_label_and_rating(tree: Path):
    cohort = patches.load(tree)
    assert cohort.images.shape == (12, 1, 64, 64) and cohort.images.dtype == np.float32
    assert cohort.people == 3 and cohort.samples["lesion"].nunique() == 6
    assert set(zip(cohort.samples["malignant"], cohort.samples["malignancy"], strict=True)) == {
        (0.0, 1.0),
        (1.0, 5.0),
    }
    assert cohort.images.max() == np.float32(150 / 255)
    assert cohort.real


def test_pixel_size_is_recovered_from_diameters_and_gives_areas_in_mm2(tree: Path):
    cohort = patches.load(tree)
    found = cohort.samples.assign(pixel=cohort.spacing_mm[:, 0]).groupby("subject")["pixel"].unique()
    assert [list(found[exam]) for exam in EXAMS] == [[0.5], [0.625], [0.75]]
    pixels = cohort.masks[0].sum()
    assert cohort.samples["area_mm2"][0] == pytest.approx(pixels * cohort.spacing_mm[0, 0] ** 2)
    assert cohort.samples["volume_mm3"][0] == pytest.approx(100 * cohort.spacing_mm[0, 0] ** 2)


@pytest.mark.parametrize("pixel", [0.488281, 0.585938, 0.703125, 0.742188, 0.976562])
def test_pixel_size_survives_a_side_that_is_one_pixel_off(pixel: float):
    sides = [9, 14, 23]
    diameters = [9 * pixel, 15 * pixel, 23 * pixel]
    assert patches.pixel_spacing(diameters, sides) == pytest.approx(pixel, rel=1e-9)


def test_holes_inside_a_lesion_belong_to_its_mask(tree: Path):
    cohort = patches.load(tree)
    assert (cohort.images[:, 0, 32, 32] == 0).sum() == 6
    assert cohort.masks[:, 32, 32].all()


def test_the_largest_slice_gives_the_lesion_its_diameter(tree: Path):
    samples = patches.load(tree).samples
    largest = samples.groupby("lesion")["diameter_mm"].max()
    assert np.allclose(samples["lesion_diameter_mm"], samples["lesion"].map(largest))


def test_grey_stored_as_rgb_is_read_the_same(tree: Path):
    before = patches.load(tree).sha256
    path = _first(tree)
    Image.open(path).convert("RGB").save(path)
    assert patches.load(tree).sha256 == before


def _refused(tree: Path, *words: str) -> None:
    with pytest.raises(patches.PatchError) as caught:
        patches.load(tree)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert patches.check(tree)[1], "the folder check must see it too"


def test_a_picture_that_is_not_square_is_refused(tree: Path):
    Image.fromarray(_disc(5)[:48]).save(_first(tree))
    _refused(tree, "0.png", "48x64", "64x64")


def test_a_16_bit_picture_is_refused(tree: Path):
    Image.fromarray(_disc(5).astype(np.uint16) * 200).save(_first(tree))
    _refused(tree, "0.png", "uint16", "8-bit")


def test_a_colour_picture_is_refused(tree: Path):
    Image.fromarray(np.dstack([_disc(5), _disc(6), _disc(7)])).save(_first(tree))
    _refused(tree, "0.png", "colour")


def test_an_empty_picture_is_refused(tree: Path):
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(_first(tree))
    _refused(tree, "0.png", "every pixel is 0")


def test_a_cut_file_is_refused(tree: Path):
    path = _first(tree)
    path.write_bytes(path.read_bytes()[:60])
    _refused(tree, "0.png", "unreadable")


def test_an_unknown_class_folder_is_refused(tree: Path):
    (tree / "images" / "unsure").mkdir()
    _refused(tree, "'unsure'", "benigno")


def test_a_nodule_in_both_classes_is_refused(tree: Path):
    _write(tree, True, "53a", "Nodule 001", [_disc(4)])
    _refused(tree, "Nodule 001", "both classes")


def test_a_table_that_contradicts_the_folder_is_refused(tree: Path):
    path = next((tree / "features").rglob("*.csv"))
    path.write_text(path.read_text().replace("BENIGN", "MALIGNANT", 1))
    _refused(tree, "benigno", "MALIGNANT")


def test_a_nodule_without_a_row_is_refused(tree: Path):
    path = next((tree / "features").rglob("*.csv"))
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    _refused(tree, "lacks 1 nodules", "53c")


def test_a_stray_picture_is_refused(tree: Path):
    Image.fromarray(_disc(5)).save(tree / "images" / "benigno" / "0.png")
    _refused(tree, "<class>/<exam>/<nodule>")


def test_a_folder_without_images_says_what_it_found(tmp_path: Path):
    (tmp_path / "pictures").mkdir()
    with pytest.raises(patches.PatchError, match="no folder 'images', found pictures"):
        patches.load(tmp_path)


@pytest.mark.needs_data
def test_the_published_folder_holds_345_exams_and_600_nodules(shared_data: Path):
    cohort = patches.load(shared_data / "lidc_solid_nodules")
    lesions = cohort.samples.drop_duplicates("lesion").set_index("lesion")
    assert (len(cohort), len(lesions), cohort.people) == (3393, 600, 345)
    assert lesions["malignant"].value_counts().to_dict() == {0.0: 416, 1.0: 184}
    assert lesions["malignancy"].value_counts().to_dict() == {1.0: 165, 2.0: 251, 4.0: 103, 5.0: 81}
    assert 0.46 < cohort.spacing_mm.min() and cohort.spacing_mm.max() < 0.98
    multiples = lesions["table_diameter_mm"] / lesions["subject"].map(cohort.subjects["pixel_mm"])
    assert np.abs(multiples - multiples.round()).max() < 5e-3
    assert roc_auc_score(lesions["malignant"], lesions["table_diameter_mm"]) == pytest.approx(0.867, abs=0.001)


def test_files_of_other_systems_are_passed_over(tree: Path):
    expected = patches.load(tree).sha256
    for name in ("._0.png", ".DS_Store"):
        _first(tree, name).write_bytes(b"\x00\x05")
    (tree / "features" / "radiomics" / "._nodules.csv").write_bytes(b"\x00\xff\xfe")
    table = tree / "features" / "radiomics" / "nodules.csv"
    (table.parent / "copy_of_nodules.csv").write_bytes(table.read_bytes())
    assert patches.load(tree).sha256 == expected


def test_a_diameter_that_is_not_known_is_had_from_the_other_nodules(tree: Path):
    path = tree / "features" / "radiomics" / "nodules.csv"
    table = pd.read_csv(path)
    table.loc[0, "diameter_mm"] = np.nan
    table.to_csv(path, index=False)
    assert np.allclose(patches.load(tree).spacing_mm[:2], 0.5)
    table.loc[1, "diameter_mm"] = np.nan
    table.to_csv(path, index=False)
    with pytest.raises(patches.PatchError, match="exam 53a: the table has no diameter_mm"):
        patches.load(tree)


def test_a_table_that_cannot_be_read_is_named(tree: Path):
    (tree / "features" / "radiomics" / "nodules.csv").write_bytes(b"")
    _refused(tree, "nodules.csv", "not a readable CSV")


def test_a_class_without_a_nodule_is_a_problem(tree: Path):
    for place in (tree / "images" / "maligno").iterdir():
        for picture in place.rglob("*.png"):
            picture.unlink()
    assert any("no nodule in maligno" in problem for problem in patches.check(tree)[1])
