"""Ejection fraction and volume from counts of labels."""

import numpy as np
import pandas as pd
import pytest

from disentangle.imaging.cardiac.ejection import ejection_fraction, volumes_ml


def _labels(*pixels: int, label: int = 3) -> np.ndarray:
    stack = np.zeros((len(pixels), 10, 10), np.uint8)
    for plane, count in zip(stack, pixels, strict=True):
        plane.flat[:count] = label
    return stack


def _samples(*rows: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["subject", "phase"]).assign(slice=0, slice_mm=8.0)


def test_it_is_one_minus_the_ratio_of_counts_over_all_slices():
    samples = _samples(("a", "ED"), ("a", "ED"), ("a", "ES"), ("a", "ES"), ("b", "ES"), ("b", "ED"))
    found = ejection_fraction(_labels(60, 40, 30, 10, 20, 16), samples)
    assert found["a"] == pytest.approx(0.6)
    assert found["b"] == pytest.approx(-0.25)


def test_rv_is_counted_by_its_own_label():
    samples = _samples(("a", "ED"), ("a", "ES"))
    assert ejection_fraction(_labels(50, 20, label=1), samples, structure=1)["a"] == pytest.approx(0.6)


def test_without_a_cavity_or_a_phase_there_is_none():
    assert np.isnan(ejection_fraction(_labels(0, 0), _samples(("a", "ED"), ("a", "ES")))["a"])
    assert np.isnan(ejection_fraction(_labels(5), _samples(("a", "ED")))["a"])


def test_frames_between_are_passed_over():
    samples = _samples(("a", "ED"), ("a", "between"), ("a", "ES"))
    assert ejection_fraction(_labels(50, 99, 25), samples)["a"] == pytest.approx(0.5)


def test_native_arrays_of_different_sizes_are_counted_too():
    native = [np.full((4, 5), 3), np.full((2, 5), 3)]
    assert ejection_fraction(native, _samples(("a", "ED"), ("a", "ES")))["a"] == pytest.approx(0.5)


def test_volume_is_pixels_times_their_size_and_unknown_without_spacing():
    samples, labels = _samples(("a", "ED"), ("a", "ES")), _labels(100, 50)
    found = volumes_ml(labels, samples, np.full((2, 2), 1.5))
    assert found.loc["a"].tolist() == pytest.approx([100 * 1.5 * 1.5 * 8 / 1000, 50 * 1.5 * 1.5 * 8 / 1000])
    assert volumes_ml(labels, samples, np.full((2, 2), np.nan)).isna().all().all()


def test_a_wrong_number_of_images_is_refused():
    with pytest.raises(ValueError, match="1 label images but 2"):
        ejection_fraction(_labels(1), _samples(("a", "ED"), ("a", "ES")))
