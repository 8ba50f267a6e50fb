"""ACDC in the provider's layout: what is read, what is the same as in HDF5, what is refused."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from disentangle.imaging.cardiac import acdc
from disentangle.imaging.cardiac.ejection import ejection_fraction, volumes_ml
from disentangle.imaging.cardiac.labels import LV, MYO, RV, UNKNOWN, CardiacError
from disentangle.imaging.cardiac.window import to_native


def _frame(folder: Path, ending: str) -> Path:
    return next(folder.rglob(f"patient001_{ending}"))


def test_info_cfg_says_phases_and_group_and_not_the_order_of_the_frames(nifti: Path):
    cohort = acdc.load(nifti)
    assert cohort.extra["layout"] == "nifti" and cohort.people == 2 and len(cohort) == 16
    assert dict(cohort.subjects["diagnosis"]) == {"patient001": "MINF", "patient002": "NOR"}
    assert cohort.subjects.loc["patient001", ["height_cm", "weight_kg"]].tolist() == [172.0, 70.5]
    frames = cohort.samples.groupby(["subject", "phase"])["frame"].first()
    assert frames["patient001"].to_dict() == {"ED": 3, "ES": 1}
    assert ejection_fraction(cohort.labels, cohort.samples).between(0.5, 0.6).all()
    assert not acdc.check(nifti)[1]


def test_pixels_are_resampled_to_137_mm_though_the_sform_says_1_mm(nifti: Path):
    cohort = acdc.load(nifti)
    assert cohort.spacing_mm == pytest.approx(np.full((16, 2), 1.37))
    volumes = volumes_ml(cohort.labels, cohort.samples, cohort.spacing_mm)
    native = {phase: (acdc.native_labels(nifti)["patient001", phase] == LV).sum() for phase in ("ED", "ES")}
    for phase, voxels in native.items():
        assert volumes.loc["patient001", phase] == pytest.approx(voxels * 1.5 * 1.5 * 8 / 1000, rel=0.04)


def test_there_and_back_over_137_mm_costs_little(nifti: Path):
    cohort, truth = acdc.load(nifti), acdc.native_labels(nifti)
    for native, row in zip(to_native(cohort.labels, cohort.samples), cohort.samples.itertuples(), strict=True):
        drawn = truth[row.subject, row.phase][row.slice]
        for label in (RV, MYO, LV):
            both = ((native == label) & (drawn == label)).sum()
            assert 2 * both / ((native == label).sum() + (drawn == label).sum()) > 0.97


def test_both_layouts_show_the_same_heart_the_same_way_round(nifti: Path, hdf5: Path, heart):
    ours = acdc.load(nifti, coarser=1.5 / 1.37)
    theirs = acdc.load(hdf5)
    first = ours.labels[(ours.samples["subject"] == "patient001") & (ours.samples["phase"] == "ES")]
    second = theirs.labels[(theirs.samples["subject"] == "patient001") & (theirs.samples["phase"] == "ES")]
    assert [np.bincount(a.ravel()).tolist() for a in first] == [np.bincount(a.ravel()).tolist() for a in second]
    assert (ours.subjects["handedness"] > 0.5).all() and (theirs.subjects["handedness"] > 0.5).all()


def test_the_series_gives_frames_that_nobody_has_drawn(nifti: Path):
    cohort = acdc.load(nifti, frames="all")
    between = (cohort.samples["phase"] == "between").to_numpy()
    assert between.sum() == 16 and len(cohort) == 32
    assert (cohort.labels[between] == UNKNOWN).all() and not (cohort.labels[~between] == UNKNOWN).any()
    assert not cohort.samples["labelled"][between].any()
    of_first = cohort.samples[between & (cohort.samples["subject"] == "patient001")]
    assert set(of_first["frame"]) == {2, 4}, "ED 3 and ES 1 are drawn; numbers count from 1"


def test_so_many_slices_between_are_rows_of_all(nifti):
    every, few = (acdc.load(nifti, frames="all", between=between) for between in (None, 3))
    assert (few.samples["phase"].eq("between").groupby(few.samples["subject"]).sum() == 3).all()
    keys = ["subject", "frame", "slice"]
    rows = every.samples.reset_index().merge(few.samples[keys], on=keys)["index"].to_numpy()
    assert (
        len(rows) == len(few) and (every.images[rows] == few.images).all() and (every.labels[rows] == few.labels).all()
    )
    assert (few.subjects.fillna(0) == every.subjects.fillna(0)).all(axis=None)
    with pytest.raises(CardiacError, match="between is 3"):
        acdc.load(nifti, between=3)


def test_two_layouts_in_a_folder_are_refused(nifti: Path, heart, write_hdf5, refused):
    write_hdf5(nifti / "more", 9, 1, *heart(18))
    write_hdf5(nifti / "more", 9, 7, *heart(12))
    refused(nifti, "two layouts", "HDF5", "NIfTI")


def test_a_subject_in_two_parts_is_refused(nifti: Path, write_patient, refused):
    write_patient(nifti / "testing", 1)
    refused(nifti, "patient001", "two places", "training", "testing")


def test_a_nifti_frame_without_its_mask_is_refused(nifti: Path, refused):
    _frame(nifti, "frame03_gt.nii.gz").unlink()
    refused(nifti, "patient001_frame03.nii.gz", "no mask")


def test_a_missing_frame_and_a_missing_info_are_refused(nifti: Path, refused):
    _frame(nifti, "frame03.nii.gz").unlink()
    refused(nifti, "no frame 03", "ED")
    (nifti / "training" / "patient001" / "Info.cfg").unlink()
    refused(nifti, "Info.cfg")


@pytest.mark.parametrize(
    ("line", "words"), [("Group: XYZ", ("XYZ", "DCM")), ("ES: five", ("five",)), ("Group:", ("no line for Group",))]
)
def test_a_wrong_info_cfg_is_refused(nifti: Path, line: str, words: tuple[str, ...], refused):
    path = nifti / "training" / "patient001" / "Info.cfg"
    key = line.partition(":")[0]
    kept = [old for old in path.read_text().splitlines() if not old.startswith(f"{key}:")]
    path.write_text("\n".join([*kept, line]))
    refused(nifti, "Info.cfg", *words)


def test_phases_exchanged_in_info_cfg_are_refused(nifti: Path, refused):
    path = nifti / "training" / "patient001" / "Info.cfg"
    path.write_text(path.read_text().replace("ED: 3", "ED: 1").replace("ES: 1", "ES: 3"))
    refused(nifti, "patient001", "expected more at ED")


def test_2d_and_4d_where_3d_is_expected_are_refused(nifti: Path, heart, write_nifti, refused):
    image, _ = heart(18)
    path = _frame(nifti, "frame03.nii.gz")
    write_nifti(path, image[0] * 1000, zoom=(1.5, 1.5, 8.0))
    refused(nifti, path.name, "2D", "expected 3D")
    write_nifti(path, np.stack([image, image]) * 1000)
    refused(nifti, path.name, "4D", "expected 3D")


def test_a_series_without_time_is_refused(nifti: Path, heart, write_nifti, refused):
    path = _frame(nifti, "4d.nii.gz")
    write_nifti(path, heart(18)[0] * 1000)
    refused(nifti, path.name, "3D", "expected 4D", frames="all")
    write_nifti(path, np.stack([heart(18)[0][:, :100]] * 4) * 1000)
    refused(nifti, path.name, "(4, 100, 150)", frames="all")


def test_a_mask_with_the_affine_of_another_orientation_is_refused(nifti: Path, heart, write_nifti, refused):
    path = _frame(nifti, "frame03_gt.nii.gz")
    write_nifti(path, heart(18)[1], qform=np.diag([1.5, -1.5, 8.0, 1.0]), unit=False)
    refused(nifti, "axes", "affine")


def test_an_affine_that_contradicts_the_voxel_size_is_refused(nifti: Path, heart, write_nifti, refused):
    path = _frame(nifti, "frame03.nii.gz")
    image = nib.load(path)
    wrong = nib.Nifti1Image(np.asarray(image.dataobj), image.get_qform())
    wrong.header.set_zooms((1.5, 1.5, 8.0))
    wrong.set_sform(np.diag([-3.0, -3.0, 8.0, 1.0]), code=1)
    nib.save(wrong, path)
    refused(nifti, path.name, "affine", "pixdim")


@pytest.mark.parametrize("zoom", [(0.0001, 1.5, 8.0), (1.5, 1.5, 100.0), (8.0, 1.5, 1.5)])
def test_voxels_of_an_impossible_size_are_refused(nifti: Path, heart, write_nifti, zoom: tuple, refused):
    path = _frame(nifti, "frame03.nii.gz")
    write_nifti(path, heart(18)[0] * 1000, zoom=zoom)
    refused(nifti, path.name, "voxels of")


def test_a_mask_on_another_grid_is_refused(nifti: Path, heart, write_nifti, refused):
    write_nifti(_frame(nifti, "frame03_gt.nii.gz"), heart(18)[1][:-1])
    refused(nifti, "(4, 168, 150)", "(3, 168, 150)")


def test_a_cut_nifti_file_is_refused(nifti: Path, refused):
    path = _frame(nifti, "frame03.nii.gz")
    path.write_bytes(path.read_bytes()[:300])
    refused(nifti, path.name, "unreadable")


def test_shadow_files_and_unzipped_mirrors_are_read_all_the_same(nifti: Path, write_nifti, heart):
    before = acdc.load(nifti).sha256
    home = nifti / "training" / "patient001"
    (home / "._patient001_frame03.nii.gz").write_bytes(b"x")
    inner = home / "patient001_frame01.nii"
    inner.mkdir()
    write_nifti(inner / "patient001_frame01.nii", heart(12)[0] * 1000)
    (home / "patient001_frame01.nii.gz").unlink()
    assert acdc.load(nifti).sha256 == before


def test_an_empty_folder_says_what_is_expected(tmp_path: Path, refused):
    refused(tmp_path, "patientNNN_frameXX.h5", "nothing")
