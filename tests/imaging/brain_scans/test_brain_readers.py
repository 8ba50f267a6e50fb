"""From synthetic files to a cohort: orientation, grids, masks, scaling, missing parts, and errors that say where."""

import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from disentangle.imaging import packs
from disentangle.imaging.brain_scans import readers
from disentangle.imaging.brain_scans.prepare import Preparation, black_of, conditioned, resampled, without_bias
from disentangle.imaging.brain_scans.scan import LABELS, ScanError
from disentangle.imaging.brain_scans.sections import SectionGrid, to_native

SMALL = {"size": (48, 40), "pixel_mm": 2.0, "slice_mm": 2.0}


def test_rows_run_from_front_to_back_and_columns_from_right_to_left(brats):
    cohort = readers.load("brats2023", brats, **SMALL)
    slices, rows, columns = np.nonzero(cohort.masks)
    # the file counts to the left and to the back: 24..30 of 40 is left of the middle, 14..20 of 48 in front of it
    assert columns.mean() > 22 and rows.mean() < 21
    z = cohort.samples["z_mm"].to_numpy()[slices]
    assert z.mean() == pytest.approx(2 * 22.5 - 30, abs=0.1) and (np.diff(cohort.samples["z_mm"]) > 0).all()


@pytest.mark.parametrize("axes", ["RAS", "LPS", "PIR", "SLA"])
def test_the_order_of_axes_in_the_file_changes_nothing(brats, axes, tmp_path):
    expected = readers.load("brats2023", brats, **SMALL)
    for path in brats.rglob("*.nii.gz"):
        image = nib.load(path)
        turn = nib.orientations.ornt_transform(nib.io_orientation(image.affine), nib.orientations.axcodes2ornt(axes))
        turned = tmp_path / "turned" / path.relative_to(brats)
        turned.parent.mkdir(parents=True, exist_ok=True)
        nib.save(image.as_reoriented(turn), turned)
    found = readers.load("brats2023", tmp_path / "turned", **SMALL)
    assert np.allclose(found.images, expected.images, atol=1e-5) and (found.labels == expected.labels).all()


def test_cohort_has_modalities_masks_labels_and_terms(brats, head):
    cohort = readers.load("brats2023", brats, **SMALL)
    assert cohort.images.shape[1:] == (4, 48, 40) and cohort.images.dtype == np.float32
    assert cohort.extra["modalities"] == ["T1", "T1ce", "T2", "FLAIR"] and cohort.real
    assert 0 <= cohort.images.min() and cohort.images.max() == 1
    brain = cohort.labels > 0
    assert (cohort.images[:, 0][~brain] == 0).all() and brain.sum() == head["brain"].sum()
    for name, number in (("core", 1), ("oedema", 2)):
        assert (cohort.labels == LABELS[name]).sum() == (head["labels"] == number).sum()
    assert cohort.masks.sum() == (head["labels"] > 0).sum()
    assert (cohort.spacing_mm == 2).all() and set(cohort.samples["subject"]) == {"BraTS-GLI-00001"}
    assert cohort.subjects["lesion_ml"].item() == pytest.approx(0.008 * (head["labels"] > 0).sum(), abs=1e-3)


def test_scores_go_back_to_the_voxels_of_the_file(brats):
    cohort = readers.load("brats2023", brats, **SMALL)
    scan = conditioned(next(readers.scans("brats2023", brats)))
    back = to_native(cohort.images[:, 0], cohort.samples, 2.0, scan)
    assert np.abs(back - scan.modalities["T1"]).max() < 1e-5
    masks = to_native(cohort.masks.astype(np.float32), cohort.samples, 2.0, scan) > 0.5
    assert (masks == (scan.lesion > 0)).all()


def test_packing_keeps_the_cohort(brats, tmp_path):
    cohort = packs.as_packed(readers.load("brats2023", brats, **SMALL), bits=8)
    again = packs.read_pack_file(packs.write_pack(cohort, tmp_path / "pack.npz", bits=8))
    assert again.sha256 == cohort.sha256 and again.extra["labels"]["ignore"] == 255


def test_a_missing_modality_is_an_absent_key_and_a_black_channel(brats, head, write):
    place = brats / "BraTS-GLI-00002-001"
    for kind, part in {"t1n": "T1", "seg": "labels"}.items():
        write(place / f"{place.name}-{kind}.nii.gz", head[part])
    few = list(readers.scans("brats2023", brats))[1]
    assert set(few.modalities) == {"T1"} and few.present(("T1", "T2")).tolist() == [True, False]
    cohort = readers.load("brats2023", brats, modalities=("T2", "T1"), **SMALL)
    second = (cohort.samples["subject"] == "BraTS-GLI-00002").to_numpy()
    assert not cohort.samples.loc[second, "has_T2"].any() and (cohort.images[second, 0] == 0).all()
    assert cohort.samples["has_T1"].all() and set(cohort.samples.loc[second, "visit"]) == {"001"}
    alone = readers.load("brats2023", brats, modalities=("T2",), **SMALL)
    assert alone.people == 1 and alone.extra["left_out"] == ["BraTS-GLI-00002"]
    with pytest.raises(ScanError, match="nobody in the folder has 'PD'"):
        readers.load("brats2023", brats, modalities=("PD",))


def test_nobody_drew_is_not_healthy(brats):
    (brats / "BraTS-GLI-00001-000" / "BraTS-GLI-00001-000-seg.nii.gz").unlink()
    cohort = readers.load("brats2023", brats, **SMALL)
    assert cohort.masks is None and not cohort.samples["annotated"].any()
    assert np.isnan(cohort.subjects["lesion_ml"].item())


def test_a_mask_on_another_grid_is_refused_with_both_files(brats, head, write):
    seg = brats / "BraTS-GLI-00001-000" / "BraTS-GLI-00001-000-seg.nii.gz"
    write(seg, head["labels"][:, :, :-1])
    with pytest.raises(ScanError, match=r"seg\.nii\.gz has 40x48x35 .*t1n\.nii\.gz has 40x48x36"):
        readers.load("brats2023", brats)


def test_a_modality_on_another_grid_is_refused_with_both_files(brats, head, write):
    write(brats / "BraTS-GLI-00001-000" / "BraTS-GLI-00001-000-t2w.nii.gz", head["T2"][:-1])
    with pytest.raises(ScanError, match=r"t2w\.nii\.gz has 39x48x36 .*t1n\.nii\.gz has 40x48x36"):
        readers.load("brats2023", brats)


def test_a_mask_flipped_by_its_header_is_refused(brats, head, write):
    seg = brats / "BraTS-GLI-00001-000" / "BraTS-GLI-00001-000-seg.nii.gz"
    write(seg, head["labels"], affine=np.diag([2.0, -2, 2, 1]) + np.array([[0, 0, 0, -20]] * 3 + [[0] * 4]))
    with pytest.raises(ScanError, match="expected one grid"):
        readers.load("brats2023", brats)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda v: np.zeros_like(v), r"t1n\.nii\.gz: every voxel is 0"),
        (lambda v: np.full_like(v, 7), r"t1n\.nii\.gz: every voxel is 7"),
        (lambda v: np.where(v == v.max(), np.nan, v), r"t1n\.nii\.gz: 1 voxels are NaN"),
        (lambda v: np.stack([v, v], axis=-1), r"t1n\.nii\.gz: shape \(40, 48, 36, 2\), expected a 3D volume"),
        (lambda v: np.where(v != 0, 50.0, 0), r"t1n\.nii\.gz: in the brain black"),
        (lambda v: v + 5, "100% of the voxels are not 0"),
    ],
)
def test_broken_images_are_refused(brats, head, write, change, message):
    write(brats / "BraTS-GLI-00001-000" / "BraTS-GLI-00001-000-t1n.nii.gz", change(head["T1"]))
    with pytest.raises(ScanError, match=message):
        readers.load("brats2023", brats, modalities=("T1",), scaling="percentiles")


def test_an_image_that_does_not_say_left_from_right_is_refused(brats, head, write):
    path = brats / "BraTS-GLI-00001-000" / "BraTS-GLI-00001-000-t1n.nii.gz"
    write(path, head["T1"], codes=(0, 0))
    with pytest.raises(ScanError, match="left and right are unknown"):
        readers.load("brats2023", brats)
    image = nib.load(path)
    image.set_sform(np.diag([2.0, 2, 2, 1]), 1)
    image.set_qform(np.diag([-2.0, 2, 2, 1]), 1)
    nib.save(image, path)
    with pytest.raises(ScanError, match="qform says LAS and sform RAS"):
        readers.load("brats2023", brats)


def test_a_damaged_file_and_an_empty_folder_are_named(brats, tmp_path):
    (brats / "BraTS-GLI-00001-000" / "BraTS-GLI-00001-000-t2w.nii.gz").write_bytes(b"no image")
    with pytest.raises(ScanError, match=r"t2w\.nii\.gz: unreadable"):
        readers.load("brats2023", brats)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ScanError, match="no scan of brats2023"):
        readers.load("brats2023", tmp_path / "empty")
    with pytest.raises(ScanError, match="no scan of ixi.*found BraTS-GLI-00001-000/"):
        readers.load("ixi", brats)


def test_values_below_zero_belong_to_the_brain(tmp_path, head, write):
    t1 = head["T1"].copy()
    t1[head["brain"] & (np.indices(t1.shape)[0] < 9)] = -12
    place = tmp_path / "patient01"
    write(place / "T1_N4_regtoMNI.nii.gz", t1)
    write(place / "GOLD_STANDARD_N4_regtoMNI.nii.gz", head["labels"] > 0)
    scan = next(readers.scans("ms_lesions", tmp_path))
    assert scan.brain.sum() == head["brain"].sum() > (t1 > 0).sum()
    assert conditioned(scan).modalities["T1"].min() == 0


def test_z_scored_images_with_a_mask_of_0_99999997(tmp_path, head, write):
    place = tmp_path / "brats_2013_pat0001_1"
    inside = head["T2"][head["brain"]]
    scored = (head["T2"] - inside.mean()) / inside.std()
    write(place / "Flair_subtrMeanDivStd.nii.gz", scored)
    write(place / "brainmask.nii.gz", head["brain"] * 0.9999999701976776)
    write(place / "OTMultiClass.nii.gz", head["labels"])
    scan = next(readers.scans("brats2013", tmp_path))
    assert scan.brain.sum() == head["brain"].sum()
    black = black_of(scan.modalities["FLAIR"], scan.brain)
    assert black == pytest.approx(-inside.mean() / inside.std(), abs=1e-4), "black is what surrounds the brain"
    top = np.percentile(inside, 99)
    expected = np.sort(np.clip(inside / top, 0, 1))
    assert np.allclose(np.sort(conditioned(scan).modalities["FLAIR"][scan.brain]), expected, atol=1e-4)


def test_a_brain_scored_inside_and_0_outside_keeps_its_dark_half(tmp_path, head, write):
    place = tmp_path / "brats_2013_pat0001_1"
    inside = head["T2"][head["brain"]]
    scored = np.where(head["brain"], (head["T2"] - inside.mean()) / inside.std(), 0)
    write(place / "Flair_subtrMeanDivStd.nii.gz", scored)
    write(place / "brainmask.nii.gz", head["brain"])
    scan = next(readers.scans("brats2013", tmp_path))
    values = conditioned(scan).modalities["FLAIR"][scan.brain]
    low, high = np.percentile(inside, [1, 99])
    expected = np.clip((inside - low) / (high - low), 0, 1)
    assert np.allclose(np.sort(values), np.sort(expected), atol=1e-3)


def test_both_layouts_of_mslub_give_the_same_cohort(tmp_path, head, write):
    parts = {"T1W": "T1", "FLAIR": "T2", "brainmask": "brain", "consensus_gt": "labels"}
    for kind, part in parts.items():
        values = head[part] > 0 if part == "labels" else head[part]
        write(tmp_path / "provider" / "patient1" / f"patient1_{kind}.nii.gz", values)
        write(tmp_path / "community" / "patient1" / f"{kind}.nii.gz", values)
    write(tmp_path / "provider" / "patient1" / "raw" / "patient1_FLAIR.nii.gz", head["T1"][:20])
    one, other = (readers.load("mslub", tmp_path / layout, **SMALL) for layout in ("provider", "community"))
    assert one.sha256 == other.sha256, "files beside raw/ count before those in it"
    with pytest.raises(ScanError, match="patient1: .* lies in two places"):
        write(tmp_path / "community" / "copy" / "patient1" / "FLAIR.nii.gz", head["T2"])
        readers.load("mslub", tmp_path / "community")


def test_t2_of_ixi_is_laid_on_t1_by_the_headers(tmp_path, head, write):
    coarse = np.array([[-4.0, 0, 0, 39], [0, -4.0, 0, 49], [0, 0, 4.0, -29], [0, 0, 0, 1]])
    ramp = np.array([1.0, 2.0, 3.0])
    blocks = np.tensordot(coarse[:3, :3] @ np.indices((20, 24, 18)).reshape(3, -1) + coarse[:3, 3:], ramp, (0, 0))
    blocks = 500 + blocks.reshape(20, 24, 18)
    write(tmp_path / "IXI002-Guys-0828-T1.nii.gz", head["T1"])
    write(tmp_path / "IXI002-Guys-0828-T2.nii.gz", blocks, affine=coarse)
    with pytest.raises(ScanError, match="no brain mask.*IXI002-Guys-0828-T1"):
        readers.load("ixi", tmp_path, **SMALL)
    whole = readers.load("ixi", tmp_path, whole_head=True, **SMALL)
    write(tmp_path / "IXI002-Guys-0828-brainmask.nii.gz", head["brain"])
    cohort = readers.load("ixi", tmp_path, **SMALL)
    assert cohort.subjects["site"].item() == "Guys" and cohort.masks is None and whole.masks is None
    scan = next(readers.scans("ixi", tmp_path))
    places = scan.affine[:3, :3] @ np.array(np.nonzero(scan.brain)) + scan.affine[:3, 3:]
    assert np.allclose(scan.modalities["T2"][scan.brain], 500 + ramp @ places, atol=0.01), "linear in millimetres"
    with pytest.raises(ScanError, match="expected one grid"):
        readers.load("ixi", tmp_path, align="refuse", **SMALL)


def test_wmh_with_other_pathology(tmp_path, head, write):
    place = tmp_path / "training" / "Amsterdam" / "Philips_VU .PETMR_01." / "7"
    write(place / "pre" / "FLAIR.nii.gz", head["T2"] + 3)
    write(place / "brainmask.nii.gz", head["brain"])
    write(place / "wmh.nii.gz", head["labels"])
    cohort = readers.load("wmh2017", tmp_path, **SMALL)
    assert (cohort.labels == LABELS["ignore"]).sum() == (head["labels"] == 2).sum()
    assert cohort.masks.sum() == (head["labels"] == 1).sum(), "other pathology is no lesion of the set"
    assert cohort.subjects["site"].item() == "Amsterdam/Philips_VU .PETMR_01."


def test_atlas_takes_the_brain_of_the_template(tmp_path, head, write):
    stem = "sub-r001s001/ses-1/anat/sub-r001s001_ses-1_space-MNI152NLin2009aSym_"
    grid = np.array([[1.0, 0, 0, -98], [0, 1, 0, -134], [0, 0, 1, -72], [0, 0, 0, 1]])
    values = np.random.default_rng(1).uniform(20, 90, (197, 233, 189))
    write(tmp_path / f"{stem}T1w.nii.gz", values, affine=grid, dtype=np.uint8)
    scan = next(readers.scans("atlas_v2", tmp_path))
    assert scan.brain.sum() / 1000 == pytest.approx(1883, abs=5), "mL, as counted on nilearn's template"
    write(tmp_path / f"{stem}T1w.nii.gz", head["T1"])
    with pytest.raises(ScanError, match="expected a volume in MNI space"):
        next(readers.scans("atlas_v2", tmp_path))


def test_pet_and_ct_have_fixed_windows(tmp_path, head, write):
    place = tmp_path / "PETCT_1" / "study"
    write(place / "SUV.nii.gz", head["T2"] / 10)
    write(place / "CTres.nii.gz", head["T1"] * 10 - 1000)
    write(place / "SEG.nii.gz", head["labels"] > 0)
    cohort = readers.load("autopet", tmp_path, **SMALL)
    assert cohort.extra["modalities"] == ["PET", "CT"] and (cohort.labels > 0).all()
    scan = next(readers.scans("autopet", tmp_path))
    assert np.allclose(conditioned(scan, Preparation(whole_head=True)).modalities["PET"], head["T2"][::-1, ::-1] / 150)


def test_resampling_neither_darkens_the_rim_nor_moves_the_head(brats):
    scan = next(readers.scans("brats2023", brats))
    flat = {"T1": np.where(scan.brain, 80, 0).astype(np.float32)}
    scan = type(scan)("p", "1", flat, scan.affine, scan.brain, scan.lesion)
    affine, shape = SectionGrid(32, 32, 4.0, 4.0).around(scan)
    coarse = resampled(scan, affine, shape)
    assert np.allclose(coarse.modalities["T1"][coarse.brain], 80, atol=0.01)
    assert coarse.brain.sum() * 64 == pytest.approx(scan.brain.sum() * 8, rel=0.03)
    middles = [s.affine[:3, :3] @ np.array(np.nonzero(s.brain)).mean(axis=1) + s.affine[:3, 3] for s in (scan, coarse)]
    assert np.abs(middles[0] - middles[1]).max() < 0.3


def test_a_field_too_small_for_the_brain_is_refused(brats):
    with pytest.raises(ScanError, match=r"brain is \d+ x \d+ mm .* the field 40 x 40 mm"):
        readers.load("brats2023", brats, size=40, pixel_mm=1.0)


def test_volumes_are_the_sections_stacked(brats):
    sections = readers.load("brats2023", brats, **SMALL)
    whole = readers.load("brats2023", brats, volumes=True, **SMALL)
    assert whole.images.shape == (1, 4, len(sections), 48, 40) and whole.masks.shape == (1, len(sections), 48, 40)
    assert (whole.images[0, 2] == sections.images[:, 2]).all() and whole.spacing_mm.tolist() == [[2, 2, 2]]


def test_without_simpleitk_n4_is_refused_not_replaced(monkeypatch, head):
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(ScanError, match="needs SimpleITK"):
        without_bias(head["T1"], head["brain"], np.full(3, 2.0))


def test_n4_removes_a_smooth_field(head):
    pytest.importorskip("SimpleITK")
    i = np.indices(head["T1"].shape)[0]
    tilted = np.where(head["brain"], head["T1"] * np.exp(0.4 * (i - 20) / 20), 0).astype(np.float32)
    flat = without_bias(tilted, head["brain"], np.full(3, 2.0))

    def tilt(values):
        return abs(np.corrcoef(values[head["brain"]], i[head["brain"]])[0, 1])

    assert tilt(flat) < 0.5 * tilt(tilted)


def test_check_tells_what_is_there_and_what_is_wrong(brats, head, write):
    lines, problems = readers.check("brats2023", brats)
    found = {what: value for what, value, _ in lines}
    assert found["people"] == "1" and found["modalities"] == "T1 1, T1ce 1, T2 1, FLAIR 1" and not problems
    write(brats / "BraTS-GLI-00001-000" / "BraTS-GLI-00001-000-seg.nii.gz", head["labels"] * 2)
    assert "label 4" in readers.check("brats2023", brats)[1][0]
    assert "no scan of mslub" in readers.check("mslub", Path(brats))[1][0]
