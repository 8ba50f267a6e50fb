"""The three real people: read whole, labels on the right tissue, and a threshold as good as it was found to be."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from sklearn.metrics import average_precision_score

from disentangle.imaging.brain_scans import readers
from disentangle.imaging.brain_scans.prepare import Preparation, conditioned, cropped
from disentangle.imaging.brain_scans.scan import LABELS, Scan

pytestmark = [pytest.mark.slow, pytest.mark.needs_data]


def original(folder: Path, name: str) -> Scan:
    if not (folder / name).is_dir():
        pytest.skip(f"no {name} in the folder of real data")
    (scan,) = readers.scans(name, folder / name)
    return scan


def medians(scan: Scan, modality: str) -> dict[str, float]:
    values = scan.modalities[modality]
    return {name: float(np.median(values[scan.lesion == LABELS[name]])) for name in ("core", "oedema", "enhancing")} | {
        "brain": float(np.median(values[scan.brain & (scan.lesion == 0)]))
    }


def test_a_threshold_on_the_ms_patient_finds_lesions_on_flair_alone(shared_data):
    scan = original(shared_data, "ms_lesions")
    assert scan.facts == {"age": "40", "sex": "F", "ms_type": "RR"}
    assert all((values < 0).any() for values in scan.modalities.values()), "below 0 after stripping"
    scan = cropped(conditioned(scan, Preparation(top=100.0)))
    inner = ndimage.distance_transform_edt(scan.brain) > 3
    lesion = scan.lesion[inner] > 0
    assert lesion.mean() == pytest.approx(0.0086, abs=0.0003)
    found = {}
    for modality, sign in (("T1", -1), ("T2", 1), ("FLAIR", 1)):
        smooth = ndimage.median_filter(scan.modalities[modality], 3)
        found[modality] = average_precision_score(lesion, sign * smooth[inner])
    assert found == pytest.approx({"T1": 0.010, "T2": 0.031, "FLAIR": 0.577}, abs=0.003)


def test_parts_of_the_glioma_of_2013_look_as_their_names_say(shared_data):
    scan = original(shared_data, "brats2013")
    assert scan.brain.sum() == 1523743, "the mask stores 0.99999997"
    t1ce, flair = medians(scan, "T1ce"), medians(scan, "FLAIR")
    assert t1ce["enhancing"] > t1ce["brain"] > t1ce["core"] and flair["oedema"] > flair["brain"]


def test_parts_of_the_low_grade_glioma_follow_the_older_label_map(shared_data):
    scan = original(shared_data, "tcga_lgg")
    t1ce, flair = medians(scan, "T1ce"), medians(scan, "FLAIR")
    assert t1ce["enhancing"] > t1ce["brain"] and flair["oedema"] > flair["brain"]
    cohort = readers.load("tcga_lgg", shared_data / "tcga_lgg", modalities=("T2",), slice_mm=10.0)
    assert not cohort.provenance.figures_allowed and cohort.masks.any()
