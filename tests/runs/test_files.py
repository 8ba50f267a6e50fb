"""Files are written whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from disentangle.runs.files import replace_folder, write_atomically


def test_a_full_disk_leaves_the_old_file_and_says_what_is_missing(tmp_path: Path, monkeypatch):
    path = write_atomically(tmp_path / "deep" / "record.json", "old")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"disk full: record\.json needs .* MiB, .* MiB are free") as refused:
        write_atomically(path, "new" * 1000)
    assert refused.value.errno == errno.ENOSPC
    assert [file.name for file in path.parent.iterdir()] == ["record.json"]
    assert path.read_text() == "old"


def test_an_interruption_leaves_nothing_behind(tmp_path: Path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a.json", "x")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_takes_the_place_of_another(tmp_path: Path):
    for name in ("aside", "final"):
        write_atomically(tmp_path / name / "file", name)
    replace_folder(tmp_path / "aside", tmp_path / "final")
    assert [path.name for path in tmp_path.iterdir()] == ["final"]
    assert (tmp_path / "final" / "file").read_text() == "aside"
