"""The cohort ``lung_ct`` from synthetic scans: exact pairs at known places, and a clear refusal of every bad scan."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from disentangle.imaging.dicom import DicomError
from disentangle.imaging.lung_ct import cohort as reader
from disentangle.imaging.lung_ct.cohort import check, load
from disentangle.imaging.lung_ct.scans import LungError

LUNGS = ((100, 55), (100, 145))
COLUMNS = ["subject", "location", "setting", "own", "block", "slice", "row", "column"]


def _chest(lung_hu: float | np.ndarray) -> np.ndarray:
    """A slice of 1 mm pixels: air, soft tissue, two round lungs; blurred as scans are."""
    row, column = np.mgrid[:200, :200]
    shown = np.where(np.hypot(row - 100, column - 100) <= 95, 40.0, -1000.0)
    for centre in LUNGS:
        shown = np.where(np.hypot(row - centre[0], column - centre[1]) <= 36, lung_hu, shown)
    return gaussian_filter(shown, 0.5)


@pytest.fixture
def outlined(tmp_path: Path, write_chest, write_structures, outline) -> Path:
    """A DICOM series whose lung grows denser to the left by 1 HU a mm, its RTSTRUCT among the slices."""
    folder = tmp_path / "data" / "lung1"
    column = np.arange(200)[None].repeat(200, 0)
    from_left = -1000.0 + column
    place = write_chest(folder / "P1", hu=_chest(from_left))
    drawn = [[outline(centre, 36, z) for z in np.arange(8) * 5.0] for centre in LUNGS]
    write_structures(place / "000a.dcm", {"Lung L": drawn[1], "Lung R": drawn[0]})
    return folder


@pytest.fixture
def cropped(outlined: Path, write_nifti, round_mask) -> Path:
    """Beside it the NIfTI of a second person with a tumour mask."""
    tumour = np.zeros((8, 200, 200), np.uint8)
    tumour[:, round_mask((100, 55), 12)] = 1
    folder = outlined.parent / "lung_ct_gtv"
    write_nifti(folder / "phantom.nii.gz", np.stack([_chest(-850.0)] * 8).astype(np.float32))
    write_nifti(folder / "mask.nii.gz", tumour)
    return folder


def test_rows_are_pairs_at_one_place_in_every_setting(outlined):
    cohort = load(outlined, patches=20)
    samples = cohort.samples
    assert list(samples.columns)[: len(COLUMNS)] == COLUMNS and cohort.images.shape == (100, 1, 32, 32)
    assert cohort.images.dtype == np.float32 and 0 <= cohort.images.min() and cohort.images.max() <= 1
    assert samples.sort_values(["subject", "location", "setting"]).index.is_monotonic_increasing
    places = samples.groupby("location")
    assert (places["setting"].nunique() == 5).all() and (places.size() == 5).all()
    assert (places[["slice", "row", "column", "block"]].nunique() == 1).all().all()
    assert (samples["own"] == (samples["setting"] == "source")).all()
    assert list(cohort.extra["settings"]) == ["source", "soft", "low_dose", "grainy", "vendor"]
    assert (cohort.spacing_mm == np.float32(0.7)).all() and cohort.real


def test_a_patch_shows_what_lies_at_its_row_and_column(outlined):
    cohort = load(outlined, patches=30, settings="own")
    hu = cohort.images[:, 0] * 1200 - 1000
    whole = np.ptp(hu, axis=(1, 2)) < 30  # no wall
    assert whole.sum() > 5
    assert np.allclose(hu[whole].mean((1, 2)), cohort.samples["column"][whole] - 1000, atol=0.6)
    slope = (hu[whole][:, :, -1] - hu[whole][:, :, 0]).mean(1)
    assert np.allclose(slope, 31 * 0.7, atol=0.8)  # 1 HU a mm


def test_settings_change_what_they_say(outlined):
    cohort = load(outlined, patches=150)
    wide = {name: cohort.images[(cohort.samples["setting"] == name).to_numpy(), 0] * 1200 for name in _names(cohort)}
    # neither wall, nor so dark that the window cuts the noise
    whole = (np.ptp(wide["source"], axis=(1, 2)) < 30) & (wide["source"] > 110).all(axis=(1, 2))
    rest = {name: images[whole] - wide["source"][whole] for name, images in wide.items()}
    assert whole.sum() > 8
    assert rest["low_dose"].std() == pytest.approx(35, rel=0.06) and rest["grainy"].std() == pytest.approx(45, rel=0.06)
    assert rest["soft"].std() < 0.7, "a slope has nothing to blur"
    assert abs(wide["soft"] - wide["source"]).max() > 50, "but a wall has"
    assert rest["vendor"].mean() == pytest.approx(8, abs=1)


def _names(cohort) -> list[str]:
    return list(cohort.samples["setting"].unique())


def test_two_people_are_one_cohort_and_look_the_same_alone(outlined, cropped):
    both, alone = load(outlined, patches=12), load(cropped, patches=12)
    assert list(both.subjects.index) == ["P1", "lung_ct_gtv"]
    assert list(both.subjects["mask"]) == ["rtstruct", "threshold"]
    second = both.of_people(["lung_ct_gtv"])
    assert np.array_equal(second.images, alone.images)
    assert not set(both.samples["location"][:60]) & set(second.samples["location"])
    assert not set(both.samples["block"][:60]) & set(second.samples["block"])
    assert "Lung by threshold, not drawn: lung_ct_gtv" in both.provenance.note


def test_few_places_are_among_more_and_another_draw_takes_others(outlined):
    few, more = (load(outlined, patches=n, settings="own").samples for n in (5, 40))
    key = ["slice", "row", "column"]
    assert len(few.merge(more, on=key)) == 5
    other = load(outlined, patches=5, settings="own", draw=1).samples
    assert len(few.merge(other, on=key)) < 5


def test_patches_lie_in_the_lung_and_not_in_the_tumour(outlined, cropped, round_mask):
    samples = load(outlined, patches=None, settings="own").samples
    lung = round_mask(LUNGS[0], 36) | round_mask(LUNGS[1], 36)
    masks = {"P1": lung, "lung_ct_gtv": lung & ~round_mask((100, 55), 12)}
    for subject, mine in samples.groupby("subject"):
        shares = [_share(masks[subject], row, column) for row, column in zip(mine["row"], mine["column"], strict=True)]
        assert min(shares) > 0.72, subject
    assert samples["subject"].value_counts()["lung_ct_gtv"] < samples["subject"].value_counts()["P1"]


def _share(mask: np.ndarray, row: float, column: float) -> float:
    """Lung among the pixels of a square of 22.4 mm, counted one by one."""
    top, left = round(row - 10.7), round(column - 10.7)
    return mask[top : top + 22, left : left + 22].mean()


def test_blocks_are_cubes_of_30_mm(outlined, cropped):
    samples = load(outlined, patches=None, settings="own").samples
    for _, block in samples.groupby("block"):
        assert block["subject"].nunique() == 1
        assert (np.ptp(block[["row", "column", "z_mm"]], axis=0) <= 30).all()
    assert samples["block"].nunique() > 8


def test_gaps_are_said_and_can_be_refused(tmp_path, write_chest):
    folder = write_chest(tmp_path / "scan", slices=12, lacking=(4, 5, 8), hu=_chest(-850.0))
    cohort = load(folder, patches=5, mask="threshold")
    assert cohort.subjects["missing_slices"].to_list() == [3] and "P1 lacks 3 slices" in cohort.provenance.note
    with pytest.raises(DicomError, match="about 3 slices are missing in 2 places"):
        load(folder, allow_gaps=False)
    with pytest.raises(LungError, match="setting thick averages neighbouring slices, but 3 are missing"):
        load(folder, patches=5, settings=("source", "thick"))
    assert "12 slices" not in str(check(folder)) and "3 missing" in str(check(folder))


def test_thick_slices_leave_out_the_ends_of_the_series(outlined):
    samples = load(outlined, patches=None, settings=("source", "thick")).samples
    assert samples["slice"].min() == 1 and samples["slice"].max() == 6


def test_masks_can_be_chosen(outlined, cropped, write_nifti, round_mask):
    assert list(load(outlined, patches=4, mask="threshold").subjects["mask"]) == ["threshold"] * 2
    with pytest.raises(LungError, match="lung_ct_gtv: nobody has drawn the lung"):
        load(outlined, patches=4, mask="drawn")
    only = np.zeros((8, 200, 200), np.float32)
    only[:, round_mask((100, 145), 36)] = 0.99999997
    write_nifti(cropped / "phantom_lung.nii.gz", only)
    cohort = load(cropped, patches=None, settings="own", mask="drawn")
    assert list(cohort.subjects["mask"]) == ["file"] and cohort.samples["column"].min() > 100
    with pytest.raises(LungError, match="mask is 'guess', expected one of auto, drawn, threshold"):
        load(outlined, mask="guess")


def test_structures_are_found_in_their_own_folder_by_reference(tmp_path, write_chest, write_structures, outline):
    series = "1.2.826.0.1.3680043.8.498.1"
    write_chest(tmp_path / "P1" / "study" / "ct", hu=_chest(-850.0))
    drawn = {"Lungs": [outline(LUNGS[0], 36, z) for z in np.arange(8) * 5.0]}
    write_structures(tmp_path / "P1" / "study" / "rtstruct" / "1-1.dcm", drawn, series=series)
    write_structures(tmp_path / "P1" / "study" / "other" / "1-1.dcm", drawn, series="9.9.9")
    cohort = load(tmp_path, patches=4, settings="own")
    assert list(cohort.subjects["mask"]) == ["rtstruct"] and cohort.samples["column"].max() < 100
    write_structures(tmp_path / "P1" / "study" / "again" / "1-2.dcm", drawn, series=series)
    with pytest.raises(LungError, match="2 RTSTRUCT files belong to this series .1-2.dcm, 1-1.dcm"):
        load(tmp_path, patches=4)


def test_an_rtstruct_without_lung_is_refused_where_drawn_lungs_are_wanted(
    tmp_path, write_chest, write_structures, outline
):
    folder = write_chest(tmp_path / "scan", hu=_chest(-850.0))
    write_structures(folder / "rs.dcm", {"Heart": [outline((100, 100), 10, 5.0)]})
    with pytest.raises(LungError, match="rs.dcm: no structure is called lung, found Heart"):
        load(folder, mask="drawn")
    assert list(load(folder, patches=4, settings="own").subjects["mask"]) == ["threshold"]


def test_bad_scans_are_refused(tmp_path, write_chest):
    with pytest.raises(DicomError, match="no RescaleSlope or RescaleIntercept"):
        load(write_chest(tmp_path / "rescale", RescaleSlope=None, hu=_chest(-850.0)))
    with pytest.raises(LungError, match="P1: no lung found"):
        load(write_chest(tmp_path / "solid", hu=_chest(40.0)))
    with pytest.raises(LungError, match="no CT series .DICOM. and no .nii"):
        load(tmp_path / "rescale" / "nothing")
    sideways = [0, 1, 0, 0, 0, -1]
    with pytest.raises(LungError, match="expected axial ones of a person who lies on the back"):
        load(_sagittal(write_chest, tmp_path / "sagittal", sideways))
    write_chest(tmp_path / "two" / "a", hu=_chest(-850.0))
    write_chest(tmp_path / "two" / "b", hu=_chest(-850.0), SeriesInstanceUID="1.2.3")
    with pytest.raises(LungError, match="P1 has two scans"):
        load(tmp_path / "two")


def _sagittal(write_chest, folder: Path, turn: list[int]) -> Path:
    for number in range(4):
        write_chest(folder, slices=1, ImageOrientationPatient=turn, ImagePositionPatient=[5 * number, 0, 0])
        (folder / "000.dcm").rename(folder / f"s{number}.dcm")
    return folder


def test_bad_nifti_is_refused(tmp_path, write_nifti, cropped):
    volume = np.stack([_chest(-850.0)] * 4).astype(np.float32)
    for name, values, message in (
        ("scaled", (volume + 1000) / 1040, "expected Hounsfield units"),
        ("shifted", volume + 1024, "they look like HU [+] 1024. Was the rescale"),
        ("solid", np.where(volume > -950, 40, volume), "solid: no lung found"),
    ):
        write_nifti(tmp_path / name / "ct.nii.gz", values)
        with pytest.raises(LungError, match=message):
            load(tmp_path / name)
    write_nifti(cropped / "mask.nii.gz", np.zeros((8, 200, 100), np.uint8))
    with pytest.raises(LungError, match=r"mask.nii.gz: mask is \(100, 200, 8\) but the picture is \(200, 200, 8\)"):
        load(cropped)
    write_nifti(cropped / "mask.nii.gz", np.zeros((8, 200, 200), np.uint8), np.diag([-1.0, -1.0, 3.0, 1.0]))
    with pytest.raises(LungError, match="the mask lies elsewhere than its picture"):
        load(cropped)
    (cropped / "phantom.nii.gz").write_bytes(b"cut")
    with pytest.raises(LungError, match="phantom.nii.gz: unreadable NIfTI"):
        load(cropped)


def test_another_orientation_of_the_file_gives_the_same_patches(tmp_path, write_nifti):
    column = np.arange(200)[None].repeat(200, 0)
    volume = np.stack([_chest(-1000.0 + column)] * 4).astype(np.float32)
    write_nifti(tmp_path / "a" / "one" / "ct.nii.gz", volume)
    write_nifti(tmp_path / "b" / "one" / "ct.nii.gz", volume[:, ::-1, ::-1], np.diag([1.0, 1.0, 5.0, 1.0]))
    first, second = (load(tmp_path / name, patches=5, settings="own") for name in "ab")
    assert np.array_equal(first.images, second.images)


def test_wrong_options_are_refused(outlined):
    with pytest.raises(LungError, match="patches is 0"):
        load(outlined, patches=0)
    with pytest.raises(LungError, match="sharpness cannot be added"):
        load(outlined, f50=0.2)
    with pytest.raises(LungError, match="settings is 'sharp'"):
        load(outlined, settings="sharp")


def test_a_check_tells_what_was_found(outlined, cropped):
    lines, problems = check(outlined)
    assert not problems and lines[0][:2] == ("scans", "2")
    assert "8 slices every 5 mm, 0 missing" in lines[1][1] and "from rtstruct" in lines[1][1]
    (cropped / "mask.nii.gz").write_bytes(b"cut")
    assert "mask.nii.gz: unreadable" in check(outlined)[1][0]


@pytest.mark.needs_data
def test_the_two_real_people_load_with_drawn_and_threshold_lungs(shared_data: Path):
    cohort = load(shared_data / "lung1", patches=40, settings=("source", "soft"))
    people = cohort.subjects
    assert list(people.index) == ["LUNG1-001", "lung_ct_gtv"] and list(people["mask"]) == ["rtstruct", "threshold"]
    assert list(people["missing_slices"]) == [110, 0] and people["kernel"]["LUNG1-001"] == "B19f"
    assert people["f50"].between(0.28, 0.42).all() and people["noise_hu"].between(10, 25).all()
    source = cohort.images[(cohort.samples["setting"] == "source").to_numpy()].mean() * 1200 - 1000
    assert -880 < source < -700 and len(cohort) == 160


def test_somebody_too_soft_is_left_out_and_the_others_stay(outlined, cropped, monkeypatch):
    everybody = load(outlined, patches=3)
    gone = everybody.subjects.index[0]
    measured = reader.measure
    sharp = iter([0.2, 0.5])
    monkeypatch.setattr(reader, "measure", lambda *scan: replace(measured(*scan), f50=next(sharp)))
    with pytest.warns(UserWarning, match=f"left out: {gone}: .* sharpness cannot be added"):
        rest = load(outlined, patches=3)
    assert list(rest.subjects.index) == list(everybody.subjects.index[1:]) and set(rest.extra["left_out"]) == {gone}
