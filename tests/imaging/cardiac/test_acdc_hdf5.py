"""ACDC in the HDF5 layout of the benchmarks: what is read, what is refused."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from disentangle.imaging import packs
from disentangle.imaging.cardiac import acdc, acdc_hdf5
from disentangle.imaging.cardiac.ejection import ejection_fraction, volumes_ml
from disentangle.imaging.cardiac.labels import LV, MYO, RV, CardiacError
from disentangle.imaging.cardiac.window import to_native


def _frame(folder: Path, ending: str) -> Path:
    return next(folder.rglob(f"patient001_{ending}"))


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


def test_the_earlier_frame_is_ed_and_must_have_the_larger_lv(hdf5: Path, refused):
    cohort = acdc.load(hdf5)
    assert set(map(tuple, cohort.samples[["phase", "frame"]].to_numpy())) == {("ED", 1), ("ES", 9)}
    assert ejection_fraction(cohort.labels, cohort.samples).between(0.5, 0.7).all()
    first, last = _frame(hdf5, "frame01.h5"), _frame(hdf5, "frame09.h5")
    first.rename(hdf5 / "aside")
    last.rename(first)
    (hdf5 / "aside").rename(last)
    refused(hdf5, "patient001", "expected the earlier frame to be ED")


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


def test_a_frame_without_its_mask_is_refused(hdf5: Path, heart, write_hdf5, refused):
    write_hdf5(hdf5, 1, 9, heart(12)[0], None)
    refused(hdf5, "patient001_frame09.h5", "no dataset label", "image")


def test_a_person_with_one_frame_is_refused(hdf5: Path, refused):
    _frame(hdf5, "frame09.h5").unlink()
    refused(hdf5, "patient001", "1 frames", "expected two")


def test_unknown_labels_are_refused(hdf5: Path, heart, write_hdf5, refused):
    image, labels = heart(12)
    labels[0, 0, 0] = 4
    write_hdf5(hdf5, 1, 9, image, labels)
    refused(hdf5, "patient001_frame09.h5", "[4]")


def test_an_empty_mask_is_refused(hdf5: Path, heart, write_hdf5, refused):
    image, labels = heart(12)
    write_hdf5(hdf5, 1, 9, image, np.zeros_like(labels))
    refused(hdf5, "patient001_frame09.h5", "empty")


def test_one_empty_slice_is_no_fault(hdf5: Path, heart, write_hdf5):
    image, labels = heart(12)
    labels[0] = 0
    write_hdf5(hdf5, 1, 9, image, labels)
    assert (acdc.load(hdf5).labels.reshape(24, -1).max(axis=1) == 0).sum() == 1


def test_a_volume_of_one_slice_is_refused(hdf5: Path, heart, write_hdf5, refused):
    write_hdf5(hdf5, 1, 9, *(part[:1] for part in heart(12)))
    refused(hdf5, "patient001 frame 9", "(1, 168, 150)", "at least 3 slices")


def test_a_single_slice_where_a_stack_is_expected_is_refused(hdf5: Path, heart, write_hdf5, refused):
    write_hdf5(hdf5, 1, 9, *(part[0] for part in heart(12)))
    refused(hdf5, "patient001_frame09.h5", "(168, 150)", "(slice, row, column)")


def test_a_mask_of_another_size_is_refused(hdf5: Path, heart, write_hdf5, refused):
    image, labels = heart(12)
    write_hdf5(hdf5, 1, 9, image, labels[:, :-1])
    refused(hdf5, "patient001 frame 9", "(4, 168, 150)", "(4, 167, 150)")


def test_a_flat_and_a_broken_picture_are_refused(hdf5: Path, heart, write_hdf5, refused):
    image, labels = heart(12)
    write_hdf5(hdf5, 1, 9, np.ones_like(image), labels)
    refused(hdf5, "every grey value")
    write_hdf5(hdf5, 1, 9, np.where(image > 0.99, np.nan, image), labels)
    refused(hdf5, "NaN")


def test_a_cut_file_is_refused(hdf5: Path, refused):
    path = _frame(hdf5, "frame09.h5")
    path.write_bytes(path.read_bytes()[:500])
    refused(hdf5, "patient001_frame09.h5", "unreadable")


def test_transposed_arrays_are_refused_as_mirror_images(hdf5: Path, refused):
    for path in hdf5.glob("*.h5"):
        with h5py.File(path, "r+") as file:
            for key in ("image", "label"):
                turned = file[key][()].transpose(0, 2, 1)
                del file[key]
                file[key] = turned
    refused(hdf5, "mirror images", "rows and columns")


def test_the_order_of_another_set_is_refused_unless_it_is_named(hdf5: Path, refused):
    right = acdc.load(hdf5).labels
    for path in hdf5.glob("*.h5"):
        with h5py.File(path, "r+") as file:
            file["label"][...] = np.choose(file["label"][()], [0, 3, 2, 1])
    refused(hdf5, "rim of LV")
    assert (acdc.load(hdf5, label_order="mnms").labels == right).all()


def test_hdf5_has_no_frames_between(hdf5: Path, refused):
    refused(hdf5, "ED and ES alone", frames="all")
    refused(hdf5, "'some'", frames="some")


def test_slices_in_files_of_their_own_are_passed_over(hdf5: Path):
    before = acdc.load(hdf5).sha256
    (hdf5 / "slices").mkdir()
    (hdf5 / "slices" / "patient001_frame01_slice_3.h5").write_bytes(b"")
    assert acdc.load(hdf5).sha256 == before


def test_the_same_hdf5_volume_in_two_parts_is_refused(hdf5: Path, heart, write_hdf5, refused):
    write_hdf5(hdf5 / "test", 1, 1, *heart(18))
    refused(hdf5, "patient001", "two places")


@pytest.mark.parametrize("options", [{"size": 4}, {"coarser": 0}, {"percentiles": (95.0, 5.0)}])
def test_impossible_options_are_refused(hdf5: Path, options: dict):
    with pytest.raises(CardiacError, match="expected"):
        acdc.load(hdf5, **options)


def test_the_pack_gives_the_cohort_back(hdf5: Path, tmp_path: Path):
    cohort = packs.as_packed(acdc.load(hdf5), bits=8)
    path = packs.write_pack(cohort, tmp_path / "acdc.npz", bits=8)
    assert packs.read_pack_file(path).sha256 == cohort.sha256
