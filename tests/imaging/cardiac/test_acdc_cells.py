"""ACDC as its provider gives it, through a cell of the chapter on few labels."""

from __future__ import annotations

import pytest

from disentangle.imaging import datasets
from disentangle.imaging.cardiac import acdc
from disentangle.sdnet import grids, provided
from disentangle.sdnet.splits import few_labels


@pytest.fixture
def people(tmp_path, monkeypatch, write_patient):
    for number in range(6):
        write_patient(tmp_path / "acdc", number + 1, ("NOR", "DCM")[number % 2])
    monkeypatch.setattr(datasets, "folder", lambda name: tmp_path / name)
    monkeypatch.setattr(datasets, "available", lambda name: False)
    return acdc.load(tmp_path / "acdc", size=64, coarser=2)


def test_resampled_people_are_scored_on_the_grid_of_their_files(people, monkeypatch):
    monkeypatch.setattr(provided, "cohort_of", lambda data: people)
    scores = provided.few_labels_cell("acdc", "unet", 1, 0, 0, 0, steps=2)
    assert len(scores["people"]) == 2 and all(0 <= person["mean"] <= 1 for person in scores["people"])
    assert "sunnybrook" not in scores


def test_the_grid_takes_the_cells_that_fit_the_layout(people, monkeypatch):
    def functions() -> set[str]:
        return {cell.function.split(":")[0].split(".")[-1] for cell in grids.sdnet_few_labels_acdc()}

    assert "provided" in functions() and "comparison" not in functions()
    monkeypatch.setattr(datasets, "folder", absent)
    assert "comparison" in functions() and "provided" not in functions()


def test_slices_of_other_moments_are_the_unlabelled_pool(people, monkeypatch):
    monkeypatch.setattr(provided, "POOL", 8)  # two of each of four training people
    provided.cohort_with_series.cache_clear()
    monkeypatch.setattr(datasets, "load", lambda name, **options: acdc.load(datasets.folder(name), size=64, **options))
    cohort = provided.cohort_with_series("acdc")
    between = cohort.samples[cohort.samples["phase"] == "between"]
    assert (between.groupby("subject").size() == 2).all() and between["subject"].nunique() == 6
    split = few_labels(cohort.samples, 0, 1)
    assert split.unlabelled.sum() == 8 and (cohort.labels[split.unlabelled] == -1).all()
    scores = provided.few_labels_cell("acdc", "unet", 1, 0, 0, 0, steps=2, series=True)
    assert scores["unlabelled_images"] == 8 and len(scores["people"]) == 2
    provided.cohort_with_series.cache_clear()


def test_the_series_are_asked_for_only_where_everybody_has_one(people, tmp_path):
    def asked() -> set[bool]:
        return {cell.parameters.get("series", False) for cell in grids.sdnet_few_labels_acdc()}

    assert asked() == {True}
    next((tmp_path / "acdc").rglob("*_4d.nii.gz")).unlink()
    assert asked() == {False}


def absent(name: str):
    raise datasets.DataAbsent(name)
