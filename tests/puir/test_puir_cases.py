"""Files in the layout of BraTS 2023 become cases and regions; what has no tumour parts is refused by name."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from drawn_cohorts import cohort

from disentangle.imaging.brain_scans import readers
from disentangle.imaging.brain_scans.scan import LABELS
from disentangle.imaging.glioma.heads import LABELS as SIMULATED
from disentangle.puir.cases import PARTS, cases_of, regions_of_labels
from disentangle.puir.data import people
from disentangle.puir.segmentation import REGIONS, regions

SHAPE, NAMES = (20, 24, 18), ("T1", "T1ce", "T2", "FLAIR")
SMALL = {"size": (24, 20), "pixel_mm": 2.0, "slice_mm": 2.0, "volumes": True}


def written(folder, name: str, kinds: tuple[str, ...]) -> None:
    """A person in the layout of BraTS 2023: oedema around a core with a rim that enhances."""
    i, j, k = np.indices(SHAPE)
    brain = ((i - 10) / 8) ** 2 + ((j - 12) / 10) ** 2 + ((k - 9) / 7) ** 2 < 1
    labels = np.zeros(SHAPE, np.uint8)
    labels[8:14, 9:15, 6:12], labels[9:13, 10:14, 7:11], labels[10:12, 11:13, 8:10] = 2, 3, 1
    greys = np.where(brain, 100 + np.random.default_rng(0).normal(0, 4, SHAPE), 0)
    for kind in kinds:
        path = folder / name / f"{name}-{kind}.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        values = labels * brain if kind == "seg" else greys
        nib.save(nib.Nifti1Image(values.astype(np.float32), np.diag([2.0, 2, 2, 1])), path)


@pytest.fixture
def brats(tmp_path):
    written(tmp_path, "BraTS-GLI-00001-000", ("t1n", "t1c", "t2w", "t2f", "seg"))
    written(tmp_path, "BraTS-GLI-00002-000", ("t1n", "t2f", "seg"))
    return readers.load("brats2023", tmp_path, **SMALL)


def test_modalities_that_were_not_scanned_are_absent_and_not_black(brats):
    cases = cases_of(brats, side=24)
    assert [set(case) for case in cases] == [set(NAMES), {"T1", "FLAIR"}]
    found = people(cases, NAMES, 24)
    assert found.present.tolist() == [[True] * 4, [True, False, False, True]]
    with pytest.raises(ValueError, match="T1ce is zero everywhere"):  # what the cohort's own array would be
        people(np.asarray(brats.images), NAMES, None)


def test_regions_follow_the_names_of_labels_and_not_their_numbers(brats):
    masks = regions_of_labels(brats, side=24)
    assert masks.shape == (2, len(REGIONS), 24, 24, 24)
    voxels = masks[0].sum((1, 2, 3)).tolist()
    assert voxels == [6**3, 4**3, 4**3 - 2**3]
    with pytest.raises(ValueError, match=r"labels \[4, 5\] are none of BraTS 2023"):
        regions(brats.labels)


def test_the_labels_of_simulated_people_give_the_regions_of_the_cells():
    people_drawn = cohort(3, 0, "p")
    named = replace(people_drawn, extra=people_drawn.extra | {"labels": dict(SIMULATED)})
    assert np.array_equal(regions_of_labels(named), regions(people_drawn.labels))
    assert [set(case) for case in cases_of(named)] == [set(people_drawn.extra["modalities"])] * 3


def test_every_region_is_of_labels_that_exist():
    known = {*LABELS, *SIMULATED}
    assert list(PARTS) == list(REGIONS) and all(set(parts) <= known for parts in PARTS.values())


def test_sets_without_tumour_parts_are_refused_by_name(brats):
    lesions = replace(brats, labels=np.where(brats.labels > 1, LABELS["lesion"], brats.labels))
    with pytest.raises(ValueError, match="BraTS-GLI-00001: 216 voxels are 'lesion' of no stated part"):
        regions_of_labels(lesions)
    healthy = replace(brats, labels=np.minimum(brats.labels, LABELS["brain"]))
    with pytest.raises(ValueError, match="no voxel is oedema, core or enhancing tumour"):
        regions_of_labels(healthy)
    nobody = replace(brats, samples=brats.samples.assign(annotated=[True, False]))
    with pytest.raises(ValueError, match="BraTS-GLI-00002: nobody drew a tumour here"):
        regions_of_labels(nobody)
    with pytest.raises(ValueError, match="labels are named"):
        regions_of_labels(cohort(2, 0, "p"))


def test_sections_are_refused(brats):
    with pytest.raises(ValueError, match="load with volumes=True"):
        cases_of(replace(brats, images=brats.images[:, :, 0]))
