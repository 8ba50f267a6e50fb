"""Names, folders, packs and checksums of cohorts."""

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from disentangle.imaging import datasets


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without data: no DISENTANGLE_DATA, no data.toml, packs in a folder of its own."""
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "pages.yml").write_text("pages: {}\n")
    monkeypatch.setenv("DISENTANGLE_HOME", str(tmp_path))
    monkeypatch.setenv("DISENTANGLE_PACKS", str(tmp_path / "packs"))
    monkeypatch.delenv("DISENTANGLE_DATA", raising=False)
    return tmp_path


def write_cubes(folder: Path, scans: int = 2) -> Path:
    """Cubes of lung with a block of tissue, each scan another value."""
    folder.mkdir(parents=True, exist_ok=True)
    for scan in range(1, scans + 1):
        cube = np.full((51, 51, 51), -800 + 1024, np.float16)
        cube[20:31, 20:31, 20:31] = 1024 + 20 * scan
        np.save(folder / f"{scan}_nod1_ann1.npy", cube)
    return folder


@pytest.fixture
def cubes(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The set ``lidc_cubes`` under DISENTANGLE_DATA."""
    monkeypatch.setenv("DISENTANGLE_DATA", str(place / "data"))
    return write_cubes(place / "data" / "lidc_cubes")


def test_every_entry_names_functions_that_exist_and_its_terms():
    for name in datasets.names():
        known = datasets.entry(name)
        for function in filter(None, (known.loader, known.check)):
            module, _, attribute = function.partition(":")
            assert callable(getattr(importlib.import_module(module), attribute)), function
        assert known.licence and known.citation and known.how_to_get and known.bits in (8, 16)
        assert known.tried in ("original files", "built from documentation")
        assert not known.real or (known.folders and known.layouts and known.check)


def test_an_unknown_name_is_answered_with_the_nearest_one():
    with pytest.raises(datasets.UnknownData, match="'lidc_patchs'.* did you mean 'lidc_patches'.*lidc_idri"):
        datasets.load("lidc_patchs")


def test_absent_data_say_how_to_get_them(place: Path):
    with pytest.raises(datasets.DataAbsent) as caught:
        datasets.load("lidc_idri")
    message = str(caught.value)
    assert "Cancer Imaging Archive" in message and "DISENTANGLE_DATA" in message and "data.toml" in message
    assert isinstance(caught.value, FileNotFoundError)
    assert not datasets.available("lidc_idri") and datasets.available("lidc")


def test_a_folder_is_found_through_the_variable_and_through_data_toml(place: Path, cubes: Path, monkeypatch):
    assert datasets.folder("lidc_cubes") == cubes
    monkeypatch.delenv("DISENTANGLE_DATA")
    assert not datasets.available("lidc_cubes")
    (place / "data.toml").write_text('lidc_cubes = "data/lidc_cubes"\n')
    assert datasets.folder("lidc_cubes") == cubes and datasets.available("lidc_cubes")
    (place / "data.toml").write_text("lidc_cubes = \n")
    with pytest.raises(datasets.UnknownData, match="data.toml"):
        datasets.folder("lidc_cubes")


def test_a_misspelt_line_of_data_toml_is_refused_with_the_right_name(place: Path):
    (place / "data.toml").write_text('lidc_cube = "data/lidc_cubes"\n')
    with pytest.raises(datasets.UnknownData, match="data.toml.*'lidc_cube'.*did you mean 'lidc_cubes'"):
        datasets.folder("lidc_cubes")


def test_the_pack_gives_the_same_cohort_without_the_folder(place: Path, cubes: Path, monkeypatch):
    first = datasets.load("lidc_cubes")
    assert (place / "packs" / "lidc_cubes.npz").is_file()
    monkeypatch.delenv("DISENTANGLE_DATA")
    again = datasets.load("lidc_cubes")
    assert again.sha256 == first.sha256 == datasets.checksum("lidc_cubes")
    assert datasets.available("lidc_cubes") and not datasets.available("lidc_cubes", packed=False)


def test_a_folder_with_another_file_is_read_again(cubes: Path):
    assert datasets.load("lidc_cubes").people == 2
    before = datasets.checksum("lidc_cubes")
    write_cubes(cubes, scans=3)
    assert datasets.checksum("lidc_cubes") != before
    assert datasets.load("lidc_cubes").people == 3


def test_a_changed_loader_makes_the_pack_stale(cubes: Path, monkeypatch):
    first = datasets.load("lidc_cubes")
    from disentangle.imaging.lidc import cubes as reader

    monkeypatch.setattr(reader, "WINDOW_HU", (-1000.0, 1000.0))
    assert datasets.load("lidc_cubes").sha256 == first.sha256, "the code is the same: still the pack"
    monkeypatch.setattr(datasets, "_code", lambda known: "other code")
    assert datasets.load("lidc_cubes").sha256 != first.sha256


def test_a_pack_of_few_people_does_not_pass_for_the_set(cubes: Path):
    from disentangle.imaging import packs

    packs.pack("lidc_cubes", people=1)
    assert datasets.load("lidc_cubes").people == 2


def test_where_packs_cannot_be_written_data_still_load(place: Path, cubes: Path, monkeypatch):
    expected = datasets.load("lidc_cubes").sha256
    (place / "file").write_text("no folder")
    monkeypatch.setenv("DISENTANGLE_PACKS", str(place / "file" / "packs"))
    assert datasets.load("lidc_cubes").sha256 == expected == datasets.checksum("lidc_cubes")


def test_options_reach_the_loader_and_unknown_ones_are_refused(cubes: Path):
    assert len(datasets.load("lidc_cubes", slices=3)) == 6
    with pytest.raises(datasets.UnknownData, match="no option 'slice'; did you mean 'slices'"):
        datasets.load("lidc_cubes", slice=3)


def test_some_people_are_drawn_by_seed(cubes: Path):
    write_cubes(cubes, scans=6)
    draws = {tuple(datasets.load("lidc_cubes", people=2, seed=seed).subjects.index) for seed in range(8)}
    assert all(len(draw) == 2 for draw in draws) and len(draws) > 2
    assert datasets.load("lidc_cubes", people=99).people == 6
    with pytest.raises(datasets.UnknownData, match="people is 0"):
        datasets.load("lidc_cubes", people=0)


def test_a_check_tells_what_was_found_and_what_is_wrong(cubes: Path, tmp_path: Path):
    good = datasets.check("lidc_cubes")
    assert good.ok and "cubes: 2" in str(good) and "can be loaded" in str(good)
    (cubes / "1_nod1_ann1.npy").write_bytes(b"nothing")
    bad = datasets.check("lidc_cubes", cubes)
    assert not bad.ok and "1_nod1_ann1.npy: unreadable" in str(bad)
    assert "is no folder" in str(datasets.check("lidc_cubes", tmp_path / "nowhere"))
    assert datasets.check("lidc").ok


def test_a_trial_finds_what_a_look_through_the_folder_does_not(cubes: Path, monkeypatch):
    good = datasets.tried(datasets.check("lidc_cubes"))
    assert good.ok and good.lines[-1][:2] == ("on loading", f"2 people, {len(datasets.load('lidc_cubes'))} images")

    def refusing(folder: Path) -> None:
        raise ValueError(f"{folder.name}: too few slices")

    monkeypatch.setattr(datasets, "_function", lambda dotted: refusing)
    bad = datasets.tried(datasets.check("lidc"))
    assert bad.ok, "what comes with the package is not tried"
    bad = datasets.tried(good)
    assert not bad.ok and "on loading: lidc_cubes: too few slices" in str(bad)
    assert datasets.tried(bad) == bad


def test_the_checksum_of_the_embedded_cohort_follows_its_files(monkeypatch, tmp_path: Path):
    first = datasets.checksum("lidc")
    assert first == datasets.checksum("lidc") and len(first) == 64
    monkeypatch.setattr(datasets, "_code", lambda known: "other code")
    assert datasets.checksum("lidc") != first


def test_importing_the_registry_loads_neither_torch_nor_pandas():
    heavy = "{'torch', 'pandas', 'numpy', 'PIL'}"
    code = f"import sys, disentangle.imaging.datasets; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.needs_data
def test_the_real_sets_of_the_chapter_load_by_name(shared_data: Path, place: Path, monkeypatch):
    monkeypatch.setenv("DISENTANGLE_DATA", str(shared_data))
    cohort = datasets.load("lidc_patches", people=20)
    assert cohort.people == 20 and cohort.real
    assert datasets.check("lidc_patches").ok and datasets.check("lidc_cubes").ok


def test_other_content_under_the_same_names_is_read_again(cubes: Path):
    before = datasets.load("lidc_cubes").sha256
    path = cubes / "1_nod1_ann1.npy"
    np.save(path, np.load(path) + np.float16(64))
    assert datasets.load("lidc_cubes").sha256 != before


def test_a_folder_that_is_read_along_makes_the_pack_stale(tmp_path: Path, monkeypatch):
    for name in ("lung1", "lung_ct_gtv", "other"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(datasets, "_code", lambda known: "")
    alone = datasets.fingerprint("lung_ct", tmp_path / "lung1")
    (tmp_path / "other" / "file").touch()
    assert datasets.fingerprint("lung_ct", tmp_path / "lung1") == alone
    (tmp_path / "lung_ct_gtv" / "ct.nii.gz").touch()
    assert datasets.fingerprint("lung_ct", tmp_path / "lung1") != alone


def test_data_toml_of_other_editors_is_read_or_refused_in_words(place: Path, cubes: Path, monkeypatch):
    monkeypatch.delenv("DISENTANGLE_DATA")
    line = 'lidc_cubes = "data/lidc_cubes"\n'
    (place / "data.toml").write_text(line, encoding="utf-8-sig")
    assert datasets.folder("lidc_cubes") == cubes
    for content, words in ((line.encode("utf-16"), "UTF-8"), (b"lidc_cubes = 3\n", "lidc_cubes is 3, expected")):
        (place / "data.toml").write_bytes(content)
        with pytest.raises(datasets.UnknownData, match=words):
            datasets.folder("lidc_cubes")
