"""Sunnybrook: what is read from PNG, what is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from disentangle.imaging.cardiac import sunnybrook as reader
from disentangle.imaging.cardiac.ejection import ejection_fraction
from disentangle.imaging.cardiac.labels import CardiacError
from disentangle.imaging.cardiac.window import to_native


def _first(folder: Path, kind: str = "labels") -> Path:
    return sorted((folder / kind).iterdir())[0]


def _refused(folder: Path, *words: str) -> None:
    with pytest.raises(CardiacError) as caught:
        reader.load(folder)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert reader.check(folder)[1], "the folder check must see it too"


def test_prefix_is_the_person_and_number_gives_slice_and_phase(sunnybrook: Path):
    cohort = reader.load(sunnybrook)
    assert cohort.images.shape == (12, 1, 128, 128) and cohort.images.dtype == np.float32
    assert set(np.unique(cohort.labels)) == {0, 3}
    assert dict(cohort.subjects["diagnosis"]) == {"SC-N-02": "N", "SC-HF-NI-04": "HF-NI"}
    assert cohort.samples.groupby(["subject", "phase"])["slice"].apply(list).tolist() == [[0, 1, 2]] * 4
    assert np.isnan(cohort.spacing_mm).all()
    assert not reader.check(sunnybrook)[1]


def test_the_larger_cavity_is_end_diastole(sunnybrook: Path):
    cohort = reader.load(sunnybrook)
    assert ejection_fraction(cohort.labels, cohort.samples).between(0.5, 0.65).all()
    assert set(cohort.samples.loc[cohort.samples["phase"] == "ED", "frame"]) == {0}


def test_masks_come_back_on_their_own_grid(sunnybrook: Path):
    cohort = reader.load(sunnybrook)
    rows = cohort.samples.query("subject == 'SC-N-02' and phase == 'ES' and slice == 1")
    (native,) = to_native(cohort.labels[rows.index], rows)
    drawn = np.asarray(Image.open(sunnybrook / "labels" / "SC-N-02-IM-0001-0028.dcm.png"))[..., 0]
    assert ((native == 3) == (drawn == 255)).all()


def test_a_picture_without_its_mask_and_the_reverse_are_refused(sunnybrook: Path):
    _first(sunnybrook).unlink()
    _refused(sunnybrook, "has no mask")
    for path in (sunnybrook / "labels").iterdir():
        path.with_name(path.name).touch()
    _first(sunnybrook, "images").unlink()
    _first(sunnybrook, "images").unlink()
    _refused(sunnybrook, "has no picture")


def test_an_empty_mask_is_refused(sunnybrook: Path, write_png):
    write_png(_first(sunnybrook), np.zeros((192, 200)))
    _refused(sunnybrook, _first(sunnybrook).name, "empty")


def test_a_mask_with_other_values_is_refused(sunnybrook: Path, write_png):
    write_png(_first(sunnybrook), np.full((192, 200), 127))
    _refused(sunnybrook, "127", "0 and 255")


def test_a_colour_picture_is_refused(sunnybrook: Path):
    path = _first(sunnybrook, "images")
    pixels = np.asarray(Image.open(path)).copy()
    pixels[..., 0] //= 2
    Image.fromarray(pixels).save(path)
    _refused(sunnybrook, path.name, "colour")


def test_a_picture_of_another_size_is_refused(sunnybrook: Path, write_png):
    write_png(_first(sunnybrook, "images"), np.full((100, 100), 9))
    _refused(sunnybrook, "100")


def test_a_third_moment_is_refused(sunnybrook: Path):
    for kind in ("images", "labels"):
        path = sunnybrook / kind / "SC-N-02-IM-0001-0020.dcm.png"
        path.rename(path.with_name("SC-N-02-IM-0001-0013.dcm.png"))
    _refused(sunnybrook, "SC-N-02", "3 moments")


def test_a_folder_without_pictures_is_refused(tmp_path: Path):
    _refused(tmp_path, "images")


def test_the_original_files_are_read(shared_data: Path):
    folder = shared_data / "sunnybrook"
    if not folder.is_dir():
        pytest.skip("no sunnybrook in the folder of real data")
    cohort = reader.load(folder)
    assert len(cohort) == 207 and cohort.people == 12
    fractions = ejection_fraction(cohort.labels, cohort.samples)
    failing = cohort.subjects["diagnosis"].str.startswith("HF").reindex(fractions.index)
    assert (fractions[failing] < 0.35).all() and (fractions[~failing] > 0.55).all()
    native = to_native(cohort.labels, cohort.samples)
    assert sum((plane == 3).sum() for plane in native) == (cohort.labels == 3).sum() == 233_123


def test_a_slice_drawn_a_picture_earlier_or_later_belongs_to_its_moment(sunnybrook: Path):
    for kind in ("images", "labels"):
        for old, new in (("0020", "0019"), ("0048", "0050")):  # ED, whose moment is the last of the beat, and ES
            path = sunnybrook / kind / f"SC-N-02-IM-0001-{old}.dcm.png"
            path.rename(path.with_name(f"SC-N-02-IM-0001-{new}.dcm.png"))
    cohort = reader.load(sunnybrook)
    phases = cohort.samples[cohort.samples["subject"] == "SC-N-02"].groupby("phase")["slice"].apply(list)
    assert phases["ED"] == [0, 1, 2] and phases["ES"] == [0, 1, 2]


def test_two_pictures_of_one_slice_at_one_moment_are_refused(sunnybrook: Path):
    for kind in ("images", "labels"):
        path = sunnybrook / kind / "SC-N-02-IM-0001-0028.dcm.png"
        path.with_name("SC-N-02-IM-0001-0029.dcm.png").write_bytes(path.read_bytes())
    _refused(sunnybrook, "SC-N-02", "3 moments")
