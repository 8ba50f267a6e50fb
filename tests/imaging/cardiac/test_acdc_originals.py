"""ACDC's HDF5 files as they are: 60 people read whole, packed, and plausible."""

from pathlib import Path

import numpy as np
import pytest

from disentangle.imaging import packs
from disentangle.imaging.cardiac import acdc, acdc_hdf5
from disentangle.imaging.cardiac.labels import LV
from disentangle.imaging.cardiac.window import to_native
from disentangle.sdnet import grids
from disentangle.sdnet.splits import FOLDS, few_labels

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def original(shared_data: Path) -> Path:
    folder = shared_data / "acdc_h5"
    if not folder.is_dir():
        pytest.skip("no acdc_h5 in the folder of real data")
    return folder


@pytest.fixture(scope="module")
def truth(original: Path) -> dict[tuple[str, str], np.ndarray]:
    return acdc.native_labels(original)


def test_sixty_people_are_read_whole_and_travel(original: Path, truth, tmp_path: Path):
    cohort = acdc.load(original)
    assert cohort.people == 60 and len(cohort) == 1148
    assert cohort.subjects["diagnosis"].value_counts().to_dict() == dict.fromkeys(
        ["DCM", "HCM", "MINF", "NOR", "RV"], 12
    )
    assert set(cohort.samples["step_row"]) == {1.0}
    for native, row in zip(to_native(cohort.labels, cohort.samples), cohort.samples.itertuples(), strict=True):
        assert (native == truth[row.subject, row.phase][row.slice]).all()
    moved = cohort.samples.loc[cohort.samples["window"] != "motion", "subject"].unique()
    assert list(moved) == ["patient087"], "elsewhere the window found the heart without an outline"
    assert (cohort.subjects["handedness"] > 0.2).all()
    assert cohort.subjects["handedness"].mean() == pytest.approx(1.0, abs=0.02)
    assert packs.write_pack(cohort, tmp_path / "acdc.npz", bits=8).stat().st_size < packs.LIMIT_BYTES


def test_the_draws_of_a_fold_label_different_people(original: Path):
    samples = acdc.load(original, size=32, coarser=4).samples
    for fold in range(FOLDS):
        draws = grids.OTHER_DRAWS.get(("acdc", fold), grids.DRAWS)
        people = [samples["subject"][few_labels(samples, fold, 1, draw).labelled].unique() for draw in draws]
        assert {len(names) for names in people} == {1}
        assert len({names[0] for names in people}) == len(draws)


def test_ejection_fractions_of_sixty_people_fit_their_diagnosis(truth):
    counts = {key: (labels == LV).sum() for key, labels in truth.items()}
    people = sorted({subject for subject, _ in truth})
    fractions = {person: 1 - counts[person, "ES"] / counts[person, "ED"] for person in people}
    means = {}
    for person, value in fractions.items():
        means.setdefault(acdc_hdf5.diagnosis(person), []).append(value)
    means = {group: np.mean(values) for group, values in means.items()}
    assert means["DCM"] < 0.25 < means["MINF"] < 0.4 < 0.5 < means["RV"] < means["NOR"] < means["HCM"]
