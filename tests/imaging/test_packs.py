"""Packs: what goes in comes out, byte for byte the same each time, and damage is noticed."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from disentangle.imaging import datasets, packs
from disentangle.imaging.cohort import Cohort, Provenance


def cohort_of(people: int = 3, *, high: float = 1.0, labels: bool = False, seed: int = 0) -> Cohort:
    """Two images of 16x17 a person, with masks and tables that hold words, numbers and gaps."""
    rng = np.random.default_rng(seed)
    names = [f"{i:03}" for i in range(people)]
    samples = pd.DataFrame({"subject": np.repeat(names, 2), "slice": np.tile([0, 1], people)})
    samples["malignant"] = np.where(samples["slice"] == 1, np.nan, 1.0)
    samples["site"] = "NA"
    samples["thin"] = samples["slice"] == 1
    samples["diameter_mm"] = rng.uniform(3, 30, len(samples))
    n = len(samples)
    return Cohort(
        name="toy",
        images=(rng.random((n, 1, 16, 17)) * high).astype(np.float32),
        samples=samples,
        subjects=pd.DataFrame({"age": rng.integers(20, 90, people)}, index=pd.Index(names, name="subject")),
        spacing_mm=np.full((n, 2), 0.7, np.float32),
        provenance=Provenance(real=True, source="toy", licence="none", citation="none"),
        masks=rng.random((n, 16, 17)) > 0.7,
        labels=rng.integers(0, 4, (n, 16, 17)).astype(np.uint8) if labels else None,
    )


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("labels", [False, True])
def test_a_pack_gives_back_the_cohort_to_half_a_grey_level(tmp_path: Path, bits: int, labels: bool):
    cohort = cohort_of(labels=labels)
    back = packs.read_pack_file(packs.write_pack(cohort, tmp_path / "toy.npz", bits=bits))
    assert np.abs(back.images - cohort.images).max() <= 0.5 / (2**bits - 1) + 1e-6
    assert (back.masks == cohort.masks).all() and (back.spacing_mm == cohort.spacing_mm).all()
    assert (back.labels is None) == (not labels) and (not labels or (back.labels == cohort.labels).all())
    pd.testing.assert_frame_equal(back.samples, cohort.samples)
    pd.testing.assert_frame_equal(back.subjects, cohort.subjects)
    assert back.provenance == cohort.provenance


def test_eight_bit_pictures_survive_exactly(tmp_path: Path):
    cohort = cohort_of()
    grey = packs.as_packed(cohort, bits=8)
    back = packs.read_pack_file(packs.write_pack(grey, tmp_path / "toy.npz", bits=8))
    assert (back.images == grey.images).all() and back.sha256 == grey.sha256


def test_values_outside_zero_to_one_keep_their_range(tmp_path: Path):
    cohort = cohort_of(high=900.0)
    back = packs.read_pack_file(packs.write_pack(cohort, tmp_path / "toy.npz", bits=16))
    assert np.abs(back.images - cohort.images).max() < 900 / 65535


def test_the_same_cohort_gives_the_same_bytes_and_another_one_does_not(tmp_path: Path):
    first = packs.write_pack(cohort_of(), tmp_path / "a.npz", bits=8).read_bytes()
    assert packs.write_pack(cohort_of(), tmp_path / "b.npz", bits=8).read_bytes() == first
    assert packs.write_pack(cohort_of(seed=1), tmp_path / "c.npz", bits=8).read_bytes() != first


def test_the_recorded_checksum_is_that_of_the_cohort_that_comes_out(tmp_path: Path):
    path = packs.write_pack(cohort_of(), tmp_path / "toy.npz", bits=8)
    assert packs.describe_pack(path)["sha256"] == packs.read_pack_file(path).sha256
    assert packs.as_packed(cohort_of(), bits=8).sha256 == packs.read_pack_file(path).sha256


def test_a_pack_too_large_to_travel_is_refused_and_leaves_nothing(tmp_path: Path):
    with pytest.raises(packs.PackError, match="toy: .* MB for 3 people"):
        packs.write_pack(cohort_of(), tmp_path / "toy.npz", bits=16, limit=500)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_pack_and_no_scraps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = packs.write_pack(cohort_of(), tmp_path / "toy.npz", bits=8)
    before = path.read_bytes()

    def full(self: Path, data: bytes) -> None:
        with open(self, "wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        packs.write_pack(cohort_of(seed=1), path, bits=8)
    assert [p.name for p in tmp_path.iterdir()] == ["toy.npz"] and path.read_bytes() == before


def test_a_cut_pack_is_refused_with_its_path(tmp_path: Path):
    path = packs.write_pack(cohort_of(), tmp_path / "toy.npz", bits=8)
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(packs.PackError, match="toy.npz: damaged"):
        packs.read_pack_file(path)
    with pytest.raises(packs.PackError, match="toy.npz: damaged"):
        packs.describe_pack(path)


def _rewritten(path: Path, member: str, change) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[member] = change(parts[member])
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def test_a_changed_pixel_or_label_is_noticed_by_the_checksum(tmp_path: Path):
    path = packs.write_pack(cohort_of(), tmp_path / "toy.npz", bits=8)
    _rewritten(path, "samples.csv", lambda text: text.replace(b",1.0,", b",0.0,", 1))
    with pytest.raises(packs.PackError, match="checksum"):
        packs.read_pack_file(path)


def test_a_pack_of_a_later_schema_is_refused(tmp_path: Path):
    path = packs.write_pack(cohort_of(), tmp_path / "toy.npz", bits=8)
    _rewritten(path, "cohort.json", lambda text: json.dumps(json.loads(text) | {"schema": 99}).encode())
    with pytest.raises(packs.PackError, match="schema 99"):
        packs.read_pack_file(path)


def test_images_with_nan_are_refused(tmp_path: Path):
    cohort = cohort_of()
    cohort.images[0, 0, 0, 0] = np.nan
    with pytest.raises(packs.PackError, match="NaN"):
        packs.write_pack(cohort, tmp_path / "toy.npz", bits=8)


@pytest.mark.needs_data
def test_the_pack_of_the_patches_travels(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DISENTANGLE_PACKS", str(tmp_path))
    path = packs.pack("lidc_patches", shared_data / "lidc_solid_nodules")
    assert path == tmp_path / "lidc_patches.npz" and path.stat().st_size < 2_000_000
    cohort = packs.read_pack("lidc_patches")
    assert (len(cohort), cohort.people) == (3393, 345)


def test_embedded_cohorts_and_absent_packs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DISENTANGLE_PACKS", str(tmp_path))
    with pytest.raises(packs.PackError, match="comes with the package"):
        packs.pack("lidc")
    with pytest.raises(datasets.DataAbsent, match="disentangle data pack lidc_cubes"):
        packs.read_pack("lidc_cubes")
