"""ACDC in both layouts: what is read, what is the same, what is refused."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from disentangle.imaging import packs
from disentangle.imaging.cardiac import acdc, acdc_hdf5
from disentangle.imaging.cardiac.ejection import ejection_fraction, volumes_ml
from disentangle.imaging.cardiac.labels import LV, MYO, RV, UNKNOWN, CardiacError
from disentangle.imaging.cardiac.window import to_native


def _refused(folder: Path, *words: str, **options) -> None:
    with pytest.raises(CardiacError) as caught:
        acdc.load(folder, **options)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    if not options:
        assert acdc.check(folder)[1], "the folder check must see it too"


def _frame(folder: Path, ending: str) -> Path:
    return next(folder.rglob(f"patient001_{ending}"))


# --- the HDF5 layout


def test_hdf5_gives_slices_with_phase_diagnosis_and_no_spacing(hdf5: Path):
    cohort = acdc.load(hdf5)
    assert cohort.images.shape == (24, 1, 128, 128) and cohort.images.dtype == np.float32
    assert cohort.images.min() == 0 and cohort.images.max() == 1
    assert cohort.labels.shape == (24, 128, 128) and set(np.unique(cohort.labels)) == {0, RV, MYO, LV}
    assert dict(cohort.subjects["diagnosis"]) == {"patient001": "DCM", "patient021": "HCM", "patient061": "NOR"}
    assert np.isnan(cohort.spacing_mm).all() and volumes_ml(
        cohort.labels, cohort.samples, cohort.spacing_mm
    ).isna().all(axis=None)
    assert cohort.samples["labelled"].all() and cohort.extra["layout"] == "hdf5"
    assert not acdc.check(hdf5)[1]


def test_the_number_gives_the_diagnosis():
    edges = {1: "DCM", 20: "DCM", 21: "HCM", 40: "HCM", 41: "MINF", 61: "NOR", 81: "RV", 100: "RV", 101: "unknown"}
    assert {number: acdc_hdf5.diagnosis(f"patient{number:03d}") for number in edges} == edges


def test_the_earlier_frame_is_ed_and_must_have_the_larger_lv(hdf5: Path):
    cohort = acdc.load(hdf5)
    assert set(map(tuple, cohort.samples[["phase", "frame"]].to_numpy())) == {("ED", 1), ("ES", 9)}
    assert ejection_fraction(cohort.labels, cohort.samples).between(0.5, 0.7).all()
    first, last = _frame(hdf5, "frame01.h5"), _frame(hdf5, "frame09.h5")
    first.rename(hdf5 / "aside")
    last.rename(first)
    (hdf5 / "aside").rename(last)
    _refused(hdf5, "patient001", "expected the earlier frame to be ED")


def test_hdf5_labels_come_back_exactly_on_the_native_grid(hdf5: Path):
    cohort, truth = acdc.load(hdf5), acdc.native_labels(hdf5)
    for native, row in zip(to_native(cohort.labels, cohort.samples), cohort.samples.itertuples(), strict=True):
        assert (native == truth[row.subject, row.phase][row.slice]).all()


@pytest.mark.parametrize("centre", [(32, 50), (130, 120), (80, 105)])
def test_a_heart_in_the_corner_loses_nothing(tmp_path: Path, heart, write_hdf5, centre: tuple[int, int]):
    shape = (168, 150)
    for frame, radius in ((1, 18), (8, 12)):
        image, labels = heart(radius, centre, shape)
        write_hdf5(tmp_path, 5, frame, image, labels)
    cohort = acdc.load(tmp_path, size=96)
    drawn = sum((part > 0).sum() for part in acdc.native_labels(tmp_path).values())
    assert (cohort.labels > 0).sum() == drawn


def test_a_heart_larger_than_the_picture_gets_coarser_pixels(hdf5: Path):
    cohort = acdc.load(hdf5, size=48)
    assert set(cohort.samples["window"]) == {"coarser"} and (cohort.samples["step_row"] > 1).all()
    whole = sum((part > 0).sum() for part in acdc.native_labels(hdf5).values())
    area = (cohort.labels > 0).sum(axis=(1, 2)) * cohort.samples["step_row"] * cohort.samples["step_column"]
    assert area.sum() == pytest.approx(whole, rel=0.02)


def test_half_the_size_at_twice_the_pixel_shows_the_same_field(hdf5: Path):
    fine, coarse = acdc.load(hdf5), acdc.load(hdf5, size=64, coarser=2)
    means = fine.images.reshape(-1, 64, 2, 64, 2).mean(axis=(2, 4))
    assert np.corrcoef(means.ravel(), coarse.images.ravel())[0, 1] > 0.98


def test_a_frame_without_its_mask_is_refused(hdf5: Path, heart, write_hdf5):
    write_hdf5(hdf5, 1, 9, heart(12)[0], None)
    _refused(hdf5, "patient001_frame09.h5", "no dataset label", "image")


def test_a_person_with_one_frame_is_refused(hdf5: Path):
    _frame(hdf5, "frame09.h5").unlink()
    _refused(hdf5, "patient001", "1 frames", "expected two")


def test_unknown_labels_are_refused(hdf5: Path, heart, write_hdf5):
    image, labels = heart(12)
    labels[0, 0, 0] = 4
    write_hdf5(hdf5, 1, 9, image, labels)
    _refused(hdf5, "patient001_frame09.h5", "[4]")


def test_an_empty_mask_is_refused(hdf5: Path, heart, write_hdf5):
    image, labels = heart(12)
    write_hdf5(hdf5, 1, 9, image, np.zeros_like(labels))
    _refused(hdf5, "patient001_frame09.h5", "empty")


def test_one_empty_slice_is_no_fault(hdf5: Path, heart, write_hdf5):
    image, labels = heart(12)
    labels[0] = 0
    write_hdf5(hdf5, 1, 9, image, labels)
    assert (acdc.load(hdf5).labels.reshape(24, -1).max(axis=1) == 0).sum() == 1


def test_a_volume_of_one_slice_is_refused(hdf5: Path, heart, write_hdf5):
    write_hdf5(hdf5, 1, 9, *(part[:1] for part in heart(12)))
    _refused(hdf5, "patient001 frame 9", "(1, 168, 150)", "at least 3 slices")


def test_a_single_slice_where_a_stack_is_expected_is_refused(hdf5: Path, heart, write_hdf5):
    write_hdf5(hdf5, 1, 9, *(part[0] for part in heart(12)))
    _refused(hdf5, "patient001_frame09.h5", "(168, 150)", "(slice, row, column)")


def test_a_mask_of_another_size_is_refused(hdf5: Path, heart, write_hdf5):
    image, labels = heart(12)
    write_hdf5(hdf5, 1, 9, image, labels[:, :-1])
    _refused(hdf5, "patient001 frame 9", "(4, 168, 150)", "(4, 167, 150)")


def test_a_flat_and_a_broken_picture_are_refused(hdf5: Path, heart, write_hdf5):
    image, labels = heart(12)
    write_hdf5(hdf5, 1, 9, np.ones_like(image), labels)
    _refused(hdf5, "every grey value")
    write_hdf5(hdf5, 1, 9, np.where(image > 0.99, np.nan, image), labels)
    _refused(hdf5, "NaN")


def test_a_cut_file_is_refused(hdf5: Path):
    path = _frame(hdf5, "frame09.h5")
    path.write_bytes(path.read_bytes()[:500])
    _refused(hdf5, "patient001_frame09.h5", "unreadable")


def test_transposed_arrays_are_refused_as_mirror_images(hdf5: Path):
    for path in hdf5.glob("*.h5"):
        with h5py.File(path, "r+") as file:
            for key in ("image", "label"):
                turned = file[key][()].transpose(0, 2, 1)
                del file[key]
                file[key] = turned
    _refused(hdf5, "mirror images", "rows and columns")


def test_the_order_of_another_set_is_refused_unless_it_is_named(hdf5: Path):
    right = acdc.load(hdf5).labels
    for path in hdf5.glob("*.h5"):
        with h5py.File(path, "r+") as file:
            file["label"][...] = np.choose(file["label"][()], [0, 3, 2, 1])
    _refused(hdf5, "rim of LV")
    assert (acdc.load(hdf5, label_order="mnms").labels == right).all()


def test_hdf5_has_no_frames_between(hdf5: Path):
    _refused(hdf5, "ED and ES alone", frames="all")
    _refused(hdf5, "'some'", frames="some")


def test_slices_in_files_of_their_own_are_passed_over(hdf5: Path):
    before = acdc.load(hdf5).sha256
    (hdf5 / "slices").mkdir()
    (hdf5 / "slices" / "patient001_frame01_slice_3.h5").write_bytes(b"")
    assert acdc.load(hdf5).sha256 == before


# --- the provider's layout


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


def test_two_layouts_in_a_folder_are_refused(nifti: Path, heart, write_hdf5):
    write_hdf5(nifti / "more", 9, 1, *heart(18))
    write_hdf5(nifti / "more", 9, 7, *heart(12))
    _refused(nifti, "two layouts", "HDF5", "NIfTI")


def test_a_subject_in_two_parts_is_refused(nifti: Path, write_patient):
    write_patient(nifti / "testing", 1)
    _refused(nifti, "patient001", "two places", "training", "testing")


def test_the_same_hdf5_volume_in_two_parts_is_refused(hdf5: Path, heart, write_hdf5):
    write_hdf5(hdf5 / "test", 1, 1, *heart(18))
    _refused(hdf5, "patient001", "two places")


def test_a_nifti_frame_without_its_mask_is_refused(nifti: Path):
    _frame(nifti, "frame03_gt.nii.gz").unlink()
    _refused(nifti, "patient001_frame03.nii.gz", "no mask")


def test_a_missing_frame_and_a_missing_info_are_refused(nifti: Path):
    _frame(nifti, "frame03.nii.gz").unlink()
    _refused(nifti, "no frame 03", "ED")
    (nifti / "training" / "patient001" / "Info.cfg").unlink()
    _refused(nifti, "Info.cfg")


@pytest.mark.parametrize(
    ("line", "words"), [("Group: XYZ", ("XYZ", "DCM")), ("ES: five", ("five",)), ("Group:", ("no line for Group",))]
)
def test_a_wrong_info_cfg_is_refused(nifti: Path, line: str, words: tuple[str, ...]):
    path = nifti / "training" / "patient001" / "Info.cfg"
    key = line.partition(":")[0]
    kept = [old for old in path.read_text().splitlines() if not old.startswith(f"{key}:")]
    path.write_text("\n".join([*kept, line]))
    _refused(nifti, "Info.cfg", *words)


def test_phases_exchanged_in_info_cfg_are_refused(nifti: Path):
    path = nifti / "training" / "patient001" / "Info.cfg"
    path.write_text(path.read_text().replace("ED: 3", "ED: 1").replace("ES: 1", "ES: 3"))
    _refused(nifti, "patient001", "expected more at ED")


def test_2d_and_4d_where_3d_is_expected_are_refused(nifti: Path, heart, write_nifti):
    image, _ = heart(18)
    path = _frame(nifti, "frame03.nii.gz")
    write_nifti(path, image[0] * 1000, zoom=(1.5, 1.5, 8.0))
    _refused(nifti, path.name, "2D", "expected 3D")
    write_nifti(path, np.stack([image, image]) * 1000)
    _refused(nifti, path.name, "4D", "expected 3D")


def test_a_series_without_time_is_refused(nifti: Path, heart, write_nifti):
    path = _frame(nifti, "4d.nii.gz")
    write_nifti(path, heart(18)[0] * 1000)
    _refused(nifti, path.name, "3D", "expected 4D", frames="all")
    write_nifti(path, np.stack([heart(18)[0][:, :100]] * 4) * 1000)
    _refused(nifti, path.name, "(4, 100, 150)", frames="all")


def test_a_mask_with_the_affine_of_another_orientation_is_refused(nifti: Path, heart, write_nifti):
    path = _frame(nifti, "frame03_gt.nii.gz")
    write_nifti(path, heart(18)[1], qform=np.diag([1.5, -1.5, 8.0, 1.0]), unit=False)
    _refused(nifti, "axes", "affine")


def test_an_affine_that_contradicts_the_voxel_size_is_refused(nifti: Path, heart, write_nifti):
    import nibabel as nib

    path = _frame(nifti, "frame03.nii.gz")
    image = nib.load(path)
    wrong = nib.Nifti1Image(np.asarray(image.dataobj), image.get_qform())
    wrong.header.set_zooms((1.5, 1.5, 8.0))
    wrong.set_sform(np.diag([-3.0, -3.0, 8.0, 1.0]), code=1)
    nib.save(wrong, path)
    _refused(nifti, path.name, "affine", "pixdim")


@pytest.mark.parametrize("zoom", [(0.0001, 1.5, 8.0), (1.5, 1.5, 100.0), (8.0, 1.5, 1.5)])
def test_voxels_of_an_impossible_size_are_refused(nifti: Path, heart, write_nifti, zoom: tuple):
    path = _frame(nifti, "frame03.nii.gz")
    write_nifti(path, heart(18)[0] * 1000, zoom=zoom)
    _refused(nifti, path.name, "voxels of")


def test_a_mask_on_another_grid_is_refused(nifti: Path, heart, write_nifti):
    write_nifti(_frame(nifti, "frame03_gt.nii.gz"), heart(18)[1][:-1])
    _refused(nifti, "(4, 168, 150)", "(3, 168, 150)")


def test_a_cut_nifti_file_is_refused(nifti: Path):
    path = _frame(nifti, "frame03.nii.gz")
    path.write_bytes(path.read_bytes()[:300])
    _refused(nifti, path.name, "unreadable")


def test_shadow_files_and_unzipped_mirrors_are_read_all_the_same(nifti: Path, write_nifti, heart):
    before = acdc.load(nifti).sha256
    home = nifti / "training" / "patient001"
    (home / "._patient001_frame03.nii.gz").write_bytes(b"x")
    inner = home / "patient001_frame01.nii"
    inner.mkdir()
    write_nifti(inner / "patient001_frame01.nii", heart(12)[0] * 1000)
    (home / "patient001_frame01.nii.gz").unlink()
    assert acdc.load(nifti).sha256 == before


def test_an_empty_folder_says_what_is_expected(tmp_path: Path):
    _refused(tmp_path, "patientNNN_frameXX.h5", "nothing")


@pytest.mark.parametrize("options", [{"size": 4}, {"coarser": 0}, {"percentiles": (95.0, 5.0)}])
def test_impossible_options_are_refused(hdf5: Path, options: dict):
    with pytest.raises(CardiacError, match="expected"):
        acdc.load(hdf5, **options)


def test_the_pack_gives_the_cohort_back(hdf5: Path, tmp_path: Path):
    cohort = packs.as_packed(acdc.load(hdf5), bits=8)
    path = packs.write_pack(cohort, tmp_path / "acdc.npz", bits=8)
    assert packs.read_pack_file(path).sha256 == cohort.sha256


# --- original files


@pytest.fixture(scope="module")
def original(shared_data: Path) -> Path:
    folder = shared_data / "acdc_h5"
    if not folder.is_dir():
        pytest.skip("no acdc_h5 in the folder of real data")
    return folder


@pytest.mark.slow
def test_sixty_people_are_read_whole_and_travel(original: Path, tmp_path: Path):
    cohort = acdc.load(original)
    assert cohort.people == 60 and len(cohort) == 1148
    assert cohort.subjects["diagnosis"].value_counts().to_dict() == dict.fromkeys(
        ["DCM", "HCM", "MINF", "NOR", "RV"], 12
    )
    assert set(cohort.samples["step_row"]) == {1.0}
    truth = acdc.native_labels(original)
    for native, row in zip(to_native(cohort.labels, cohort.samples), cohort.samples.itertuples(), strict=True):
        assert (native == truth[row.subject, row.phase][row.slice]).all()
    moved = cohort.samples.loc[cohort.samples["window"] != "motion", "subject"].unique()
    assert list(moved) == ["patient087"], "elsewhere the window found the heart without an outline"
    assert (cohort.subjects["handedness"] > 0.2).all()
    assert cohort.subjects["handedness"].mean() == pytest.approx(1.0, abs=0.02)
    assert packs.write_pack(cohort, tmp_path / "acdc.npz", bits=8).stat().st_size < packs.LIMIT_BYTES


@pytest.mark.slow
def test_ejection_fractions_of_sixty_people_fit_their_diagnosis(original: Path):
    truth = acdc.native_labels(original)
    counts = {key: (labels == LV).sum() for key, labels in truth.items()}
    people = sorted({subject for subject, _ in truth})
    fractions = {person: 1 - counts[person, "ES"] / counts[person, "ED"] for person in people}
    means = {}
    for person, value in fractions.items():
        means.setdefault(acdc_hdf5.diagnosis(person), []).append(value)
    means = {group: np.mean(values) for group, values in means.items()}
    assert means["DCM"] < 0.25 < means["MINF"] < 0.4 < 0.5 < means["RV"] < means["NOR"] < means["HCM"]
