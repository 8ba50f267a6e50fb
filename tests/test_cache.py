"""The model cache: what is found again, what is made again, and that nothing trained is lost."""

import threading

import pytest
import torch

from disentangle.cache import CacheWarning, Stored, cached, checksum, folder, key_of

MODULE = "disentangle.checkpoints"


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DISENTANGLE_CACHE", str(tmp_path / "cache"))


class Maker:
    """Counts how often a model really was trained."""

    def __init__(self, value: float = 1.0):
        self.calls, self.value, self.checkpoint = 0, value, None

    def __call__(self, checkpoint):
        self.calls += 1
        self.checkpoint = checkpoint
        return Stored({"weight": torch.full((3,), self.value)}, {"seconds": 2.5, "rows": [{"step": 1}]})


def entries(pattern: str) -> list:
    return sorted((folder() / "models" / "toy").glob(pattern))


def test_the_second_call_reads_what_the_first_made():
    make = Maker()
    first, from_cache = cached("toy", {"seed": 0}, MODULE, make)
    second, again = cached("toy", {"seed": 0}, MODULE, make)
    assert (from_cache, again, make.calls) == (False, True, 1)
    assert torch.equal(first.tensors["weight"], second.tensors["weight"])
    assert second.facts == {"seconds": 2.5, "rows": [{"step": 1}]}


def test_parts_kind_and_code_decide_the_key(monkeypatch):
    key = key_of("toy", {"seed": 0}, MODULE)
    assert key == key_of("toy", {"seed": 0}, MODULE)
    assert key != key_of("toy", {"seed": 1}, MODULE)
    assert key != key_of("other", {"seed": 0}, MODULE)
    monkeypatch.setattr("disentangle.cache.closure_hash", lambda module, exclude: "changed code")
    assert key != key_of("toy", {"seed": 0}, MODULE)


@pytest.mark.parametrize("damage", [b"", b"no tensors at all", None])
def test_a_damaged_entry_is_made_again_with_a_warning(damage):
    cached("toy", {}, MODULE, Maker())
    (weights,) = entries("*.safetensors")
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1  # one flipped bit in a weight: the file still parses
    weights.write_bytes(content if damage is None else damage)
    make = Maker(2.0)
    with pytest.warns(CacheWarning, match="damaged entry"):
        made, from_cache = cached("toy", {}, MODULE, make)
    assert not from_cache and made.tensors["weight"][0] == 2
    assert cached("toy", {}, MODULE, make)[1] and make.calls == 1


def test_damaged_facts_are_made_again():
    cached("toy", {}, MODULE, Maker())
    entries("*.json")[0].write_text("{")
    with pytest.warns(CacheWarning, match="damaged entry"):
        assert not cached("toy", {}, MODULE, Maker())[1]


def test_a_full_disk_loses_no_trained_model(monkeypatch):
    def full(path, content):
        raise OSError(28, "disk full: 9 MiB needed, 0 MiB free", str(path))

    monkeypatch.setattr("disentangle.cache.write_atomically", full)
    with pytest.warns(CacheWarning, match="not kept in the cache: .*disk full"):
        made, from_cache = cached("toy", {}, MODULE, Maker())
    assert made.tensors["weight"].sum() == 3 and not from_cache
    assert entries("*.safetensors") == entries("*.json") == []


def test_a_cache_that_cannot_exist_is_a_warning(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DISENTANGLE_CACHE", str(tmp_path / "file"))
    make = Maker()
    with pytest.warns(CacheWarning, match="no model cache"):
        assert cached("toy", {}, MODULE, make)[0].tensors["weight"].sum() == 3
    assert make.checkpoint is None


def test_of_two_equal_trainings_at_once_one_trains_and_the_other_reads():
    make, results = Maker(), []
    work = [threading.Thread(target=lambda: results.append(cached("toy", {}, MODULE, make)[1])) for _ in range(4)]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert make.calls == 1 and sorted(results) == [False, True, True, True]


def test_a_finished_training_leaves_no_checkpoint_behind():
    def make(checkpoint):
        checkpoint.write_text("half way")
        return Maker()(checkpoint)

    cached("toy", {}, MODULE, make)
    assert entries("*.checkpoint") == []


def test_a_failed_training_keeps_its_checkpoint_and_no_entry():
    def make(checkpoint):
        checkpoint.write_text("half way")
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        cached("toy", {}, MODULE, make)
    assert len(entries("*.checkpoint")) == 1 and entries("*.json") == []


def test_checksums_see_values_shapes_types_and_absence():
    values = torch.arange(6.0)
    variants = [(values,), (values + 1,), (values.reshape(2, 3),), (values.double(),), (values, None), (None,)]
    assert len({checksum(*arrays) for arrays in variants}) == len(variants)
    assert checksum(values) == checksum(values.numpy())
