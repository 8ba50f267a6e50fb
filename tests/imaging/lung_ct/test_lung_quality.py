"""Sharpness and noise measured in a picture are those it was made with."""

import numpy as np
import pytest

from disentangle.imaging.lung_ct.quality import TISSUE_HU, edge_f50, even_sd, measure


@pytest.mark.parametrize("sd_mm", [0.55, 0.8, 1.2])
def test_the_edge_gives_the_frequency_of_half_modulation(chest, sd_mm):
    closed_form = np.sqrt(np.log(2) / 2) / (np.pi * sd_mm)  # of exp(-2 pi^2 sd^2 f^2) = 1/2
    assert edge_f50(chest(edge_mm=sd_mm)[None], 1.0) == pytest.approx(closed_form, rel=0.12)


def test_noise_is_found_in_even_tissue_and_not_in_slopes(chest):
    row, column = np.mgrid[:200, :200]
    noisy = chest(noise_hu=20)[None]
    found = even_sd(noisy, TISSUE_HU, 50)
    assert found == pytest.approx(20, rel=0.05)
    assert even_sd(noisy + 0.3 * row + 0.002 * (column - 100) ** 2, TISSUE_HU, 50) == pytest.approx(found, rel=0.03)


def test_what_cannot_be_measured_is_nan():
    even = np.full((3, 64, 64), -850.0)
    quality = measure(even, even < 0, (1, 1))
    assert np.isnan(quality.f50) and np.isnan(quality.noise_hu) and quality.lung_sd_hu == pytest.approx(0, abs=1e-9)


def test_air_outside_does_not_pass_for_even_lung(chest):
    volume = chest(noise_hu=20)[None].copy()
    volume[:, :60] = -980  # as even as only a clipped value is
    lung = np.zeros(volume.shape, bool)
    lung[:, 75:125, 30:80] = True
    assert measure(volume, lung, (1, 1)).lung_sd_hu == pytest.approx(20, rel=0.2)
