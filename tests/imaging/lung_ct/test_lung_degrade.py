"""A degraded slice has the requested MTF, noise, offset and thickness, and nothing is ever sharpened."""

import numpy as np
import pytest
import torch

from disentangle.imaging.lung.settings import LUNG, Kernel, nps
from disentangle.imaging.lung_ct.degrade import (
    SETTINGS,
    SOURCE,
    TRAINING,
    UNSEEN,
    Degradation,
    averaged,
    check_possible,
    choose,
    degrade,
)
from disentangle.imaging.lung_ct.scans import LungError

PIXEL, F50 = 0.7, 0.32
SHAPE = (160, 200)


def waves(cycles: int) -> np.ndarray:
    """400 HU of a cosine with so many periods along the columns."""
    return -500 + 400 * np.cos(2 * np.pi * cycles * np.arange(SHAPE[1]) / SHAPE[1])[None].repeat(SHAPE[0], 0)


@pytest.mark.parametrize("cycles", [5, 14, 28, 42])
def test_a_wave_keeps_the_ratio_of_two_gaussian_mtfs(cycles):
    shown = degrade(waves(cycles), Degradation("x", f50=0.2), F50, PIXEL, (0,))
    f = cycles / (SHAPE[1] * PIXEL)
    closed_form = 2 ** (-((f / 0.2) ** 2)) / 2 ** (-((f / F50) ** 2))
    amplitude = 2 * np.abs(np.fft.rfft(shown[0] + 500.0))[cycles] / SHAPE[1]
    assert amplitude / 400 == pytest.approx(closed_form, abs=0.003)
    assert shown.mean() == pytest.approx(-500, abs=0.1)


def test_the_source_stays_as_it_is_but_for_rounding():
    picture = np.random.default_rng(0).uniform(-1000, 100, SHAPE)
    assert np.abs(degrade(picture, SOURCE, F50, PIXEL, (0,)) - picture).max() <= 0.501


@pytest.mark.parametrize("grain", [None, LUNG])
def test_added_noise_has_the_requested_sd_and_spectrum(grain):
    setting = Degradation("x", noise_hu=35, grain=grain, acquisition="x")
    flat = np.full((256, 256), -500.0)
    noise = np.stack([degrade(flat, setting, F50, PIXEL, (seed,)) for seed in range(12)]) + 500
    assert noise.std() == pytest.approx(35, rel=0.02) and abs(noise.mean()) < 0.3
    power = (np.abs(np.fft.fft2(noise.astype(float))) ** 2).mean(0)
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(256, PIXEL), np.fft.fftfreq(256, PIXEL)))
    wanted = nps(grain or Kernel(F50), torch.from_numpy(f)).numpy()
    wanted *= power.sum() / wanted.sum()
    for low in np.arange(0.06, 0.5, 0.08):
        ring = (f >= low) & (f < low + 0.08)
        assert power[ring].sum() == pytest.approx(wanted[ring].sum(), rel=0.1, abs=float(2e-3 * power.sum())), low


def test_one_acquisition_shares_its_noise_and_another_does_not():
    flat = np.full(SHAPE, -500.0)
    dose, soft = SETTINGS["low_dose"], SETTINGS["soft_low_dose"]
    blurred_after = degrade(degrade(flat, dose, F50, PIXEL, (1,)), SETTINGS["soft"], F50, PIXEL, (1,))
    assert np.abs(degrade(flat, soft, F50, PIXEL, (1,)) - blurred_after).max() <= 1.5
    noise = {name: degrade(flat, SETTINGS[name], F50, PIXEL, (1,)).ravel() for name in ("low_dose", "grainy")}
    assert abs(np.corrcoef(noise["low_dose"], noise["grainy"])[0, 1]) < 0.03
    assert (degrade(flat, dose, F50, PIXEL, (1,)) != degrade(flat, dose, F50, PIXEL, (2,))).mean() > 0.9


def test_offset_and_floor():
    shown = degrade(np.full(SHAPE, -700.0), Degradation("x", offset_hu=8), F50, PIXEL, (0,))
    assert (shown == -692).all()
    assert degrade(np.full(SHAPE, -1100.0), SOURCE, F50, PIXEL, (0,)).min() == -1024


def test_sharpness_cannot_be_added():
    with pytest.raises(LungError, match=r"P1: setting soft has .* 0.22 /mm, but the scan has only 0.20 /mm"):
        check_possible(SETTINGS["soft"], 0.20, "P1")
    for setting in SETTINGS.values():
        check_possible(setting, 0.30, "as smooth as the scans at hand")


@pytest.mark.parametrize(
    ("thickness", "weights"), [(15.0, [1 / 3] * 3), (10.0, [0.25, 0.5, 0.25]), (25.0, [0.2] * 5), (3.0, [1.0])]
)
def test_thick_slices_are_a_box_over_their_neighbours(thickness, weights):
    hu = np.random.default_rng(0).normal(size=(9, 4, 4))
    thick, complete = averaged(hu, 5.0, thickness)
    reach = len(weights) // 2
    assert list(np.flatnonzero(complete)) == list(range(reach, 9 - reach))
    by_hand = sum(w * hu[4 - reach + i] for i, w in enumerate(weights))
    assert np.allclose(thick[4], by_hand)


def test_settings_are_chosen_by_group_and_by_name():
    assert [s.name for s in choose("all")] == list(TRAINING) and choose("own") == [SOURCE]
    assert [s.name for s in choose("unseen")] == list(UNSEEN) and not set(UNSEEN) & set(TRAINING)
    assert [s.name for s in choose(("soft", "thick"))] == ["soft", "thick"]
    for wrong in ("sharp", (), ("soft", "soft")):
        with pytest.raises(LungError, match="expected 'all', 'own', 'unseen', or different names of source, soft"):
            choose(wrong)
