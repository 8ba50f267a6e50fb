"""Measured MTF, noise spectrum, thickness and pairing are those that a setting asks for."""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from disentangle.imaging.lidc.texture import join
from disentangle.imaging.lung.fields import FINE_MM, FINE_PIXELS, PLANE_MM, PLANES
from disentangle.imaging.lung.render import (
    ACQUISITIONS,
    LOWEST_HU,
    PIXEL_MM,
    PIXELS,
    planes_for,
    render,
    render_all,
    slice_profile,
    to_unit,
)
from disentangle.imaging.lung.settings import (
    ITERATIVE_C,
    LUNG,
    REFERENCE,
    SETTINGS,
    SOFT,
    STANDARD,
    VERY_SHARP,
    Kernel,
    Setting,
    blended,
    described,
    mtf,
    noise_sd,
    nps,
)

KERNELS = {setting.kernel: name for name, setting in SETTINGS.items()}
SILENT = 1e12


def keys(count: int, seed: int = 0) -> torch.Tensor:
    return join(seed, torch.arange(count))


def uniform_objects(count: int, hu: float = 0.0, planes: int = 3) -> torch.Tensor:
    return torch.full((count, planes, FINE_PIXELS, FINE_PIXELS), hu)


@cache
def uniform_pictures(settings: tuple[Setting, ...], count: int = 320) -> torch.Tensor:
    """A uniform object of 0 HU under several settings: (count, setting, row, column), double."""
    planes = planes_for(settings)
    parts = [render_all(uniform_objects(len(part), planes=planes), settings, part) for part in keys(count).split(20)]
    return torch.cat(parts).double()


def wire_picture(kernel: Kernel) -> np.ndarray:
    """The point spread at FINE_MM, from wires at the four places between the coarse pixels."""
    spread = np.zeros((2 * PIXELS, 2 * PIXELS))
    height = 1e7  # whole HU are then no rounding at all
    for row in range(2):
        for column in range(2):
            wire = uniform_objects(1, 1e6)
            wire[0, :, FINE_PIXELS // 2 - row, FINE_PIXELS // 2 - column] += height
            seen = render(wire, Setting("wire", kernel, dose=SILENT), keys(1))[0].double().numpy() - 1e6 * offset(
                kernel
            )
            spread[row::2, column::2] = seen / height
    return spread


def offset(kernel: Kernel) -> float:
    return float(mtf(kernel, torch.tensor(0.0)))


@pytest.mark.parametrize("kernel", KERNELS, ids=KERNELS.values())
def test_the_mtf_of_a_wire_is_the_requested_one(kernel):
    measured = np.abs(np.fft.rfft2(wire_picture(kernel)))
    f = torch.hypot(torch.fft.fftfreq(2 * PIXELS, FINE_MM)[:, None], torch.fft.rfftfreq(2 * PIXELS, FINE_MM)[None])
    asked = mtf(kernel, f).numpy()
    seen = asked > 0.05
    assert np.abs(measured[seen] / asked[seen] - 1).max() < 0.1
    assert np.abs(measured - asked).max() < 0.02


@pytest.mark.parametrize("kernel", [SOFT, STANDARD, LUNG])
def test_the_mtf_of_a_slanted_edge_is_the_requested_one(kernel):
    """The way it is measured on scanners: the edge's slope sampled finer than the pixels, then its spectrum."""
    slope = math.tan(math.radians(5))
    at = (torch.arange(FINE_PIXELS) - FINE_PIXELS / 2 + 0.3) * FINE_MM
    inside = ((at[None, :] - slope * at[:, None]) / FINE_MM + 0.5).clamp(0, 1)
    picture = (
        render(1e5 * inside.expand(1, 3, -1, -1), Setting("edge", kernel, dose=SILENT), keys(1))[0].double().numpy()
    )
    middle = at[16:80:2].numpy()
    distance = (middle[None, :] - slope * middle[:, None]) * math.cos(math.atan(slope))
    step = 0.1
    bins = np.round(distance / step).astype(int)
    keep = np.abs(bins) <= 70
    profile = np.bincount(bins[keep] + 70, picture[keep]) / np.bincount(bins[keep] + 70)
    line = np.diff(profile) * np.hanning(140)
    measured = np.abs(np.fft.rfft(line)) / line.sum()
    f = np.fft.rfftfreq(140, step)
    used = (f < 0.6) & (mtf(kernel, torch.from_numpy(f)).numpy() > 0.2)
    # the pixels of the edge itself, and the bins, blur a little
    blur = np.sinc(f * FINE_MM) * np.sinc(f * step) ** 2
    assert np.abs(measured / (mtf(kernel, torch.from_numpy(f)).numpy() * blur) - 1)[used].max() < 0.1


def test_f50_is_where_half_is_left_and_edge_kernels_overshoot():
    for kernel in (SOFT, STANDARD):
        assert mtf(kernel, torch.tensor([0.0, kernel.f50])).tolist() == pytest.approx([1.0, 0.5])
    f = torch.linspace(0, 1, 101)
    for kernel in (LUNG, VERY_SHARP):
        lift = mtf(kernel, f) / mtf(replace(kernel, edge=0.0), f)
        assert lift.argmax() == 45 and lift.max() == pytest.approx(1 + kernel.edge)
    assert mtf(VERY_SHARP, f).max() > 1.2, "the very sharp kernel overshoots"
    assert (mtf(SOFT, f[1:]) < mtf(STANDARD, f[1:])).all()
    assert max(abs(offset(kernel) - 1) for kernel in KERNELS) < 1e-3


@pytest.mark.parametrize("name", SETTINGS)
def test_the_noise_spectrum_of_a_uniform_object_is_the_requested_one(name):
    setting = SETTINGS[name]
    pictures = uniform_pictures((setting,))[:, 0] - setting.offset_hu
    line = torch.hann_window(PIXELS, periodic=False, dtype=torch.float64)
    window = line[:, None] * line[None, :]
    power = torch.fft.fft2(pictures * window).abs().square().mean(0) * PIXEL_MM**2 / window.square().sum()
    # what the pixels sample: the spectrum with its aliases, seen through the same window
    asked = _sampled_nps(setting, window)
    f = torch.fft.fftfreq(PIXELS, PIXEL_MM)
    radius = torch.hypot(f[:, None], f[None]).flatten()
    ring = (radius / 0.07).long()
    found, expected = (torch.bincount(ring, part.flatten()) for part in (power, asked))
    strong = (expected > 0.02 * expected.max()) & (torch.bincount(ring) > 8)
    assert strong.sum() >= 5
    assert (found / expected - 1)[strong].abs().max() < 0.1


def _sampled_nps(setting: Setting, window: torch.Tensor) -> torch.Tensor:
    """The requested NPS folded at the pixels' Nyquist frequency and blurred by the window's spectrum."""
    fine = 8 * PIXELS
    f = torch.fft.fftfreq(fine, PIXEL_MM).double()
    total = torch.zeros(fine, fine, dtype=torch.float64)
    for row in (-1, 0, 1):
        for column in (-1, 0, 1):
            radius = torch.hypot(f[:, None] + row / PIXEL_MM, f[None] + column / PIXEL_MM)
            inside = radius < 1.4
            total += torch.where(inside, nps(setting.kernel, radius), 0.0)
    total /= setting.dose * setting.thickness_mm
    leak = torch.fft.fft2(window, s=(fine, fine)).abs().square()
    blurred = torch.fft.ifft2(torch.fft.fft2(total) * torch.fft.fft2(leak / leak.sum())).real
    return blurred[::8, ::8]


@pytest.mark.parametrize("name", SETTINGS)
def test_the_standard_deviation_follows_from_kernel_dose_and_thickness(name):
    setting = SETTINGS[name]
    pictures = uniform_pictures((setting,))[:, 0]
    assert float(pictures.std()) == pytest.approx(noise_sd(setting), rel=0.04)
    assert float(pictures.mean()) == pytest.approx(setting.offset_hu, abs=0.5)
    spread = (pictures - pictures.mean()).flatten().numpy()
    assert abs(np.mean((spread / spread.std()) ** 4) - 3) < 0.3, "noise is nearly normal"


def test_sharper_kernels_are_noisier_as_the_digest_computed():
    # digest 10.2: soft : standard : lung : very sharp = 0.67 : 1 : 1.84 : 2.63, summed up to Nyquist of 0.7 mm
    sd = [noise_sd(Setting("k", kernel)) for kernel in (SOFT, STANDARD, LUNG, VERY_SHARP)]
    assert sd[1] == pytest.approx(18.0)
    assert np.allclose(np.array(sd) / sd[1], [0.67, 1, 1.84, 2.63], rtol=0.08)
    assert noise_sd(Setting("k", STANDARD, dose=0.25)) == pytest.approx(2 * sd[1])
    assert noise_sd(Setting("k", STANDARD, thickness_mm=4)) == pytest.approx(sd[1] / 2)
    assert noise_sd(Setting("k", ITERATIVE_C)) < 0.7 * noise_sd(
        Setting("k", replace(ITERATIVE_C, denoise=1, curb_mm=0))
    )


def noise_of(*settings: Setting) -> list[np.ndarray]:
    return [part.flatten().numpy() for part in uniform_pictures(settings, 120).unbind(1)]


def test_kernels_of_one_acquisition_share_the_raw_noise_and_other_doses_do_not():
    standard, lung, low = noise_of(REFERENCE, SETTINGS["a_lung_1mm"], SETTINGS["b_lung_low_1mm"])
    shared = np.corrcoef(standard, lung)[0, 1]
    f = torch.linspace(0, 4, 4001, dtype=torch.float64)
    both = torch.trapezoid(f * f * mtf(STANDARD, f) * mtf(LUNG, f), f)
    each = [torch.trapezoid(f * f * mtf(kernel, f) ** 2, f) for kernel in (STANDARD, LUNG)]
    assert shared == pytest.approx(float(both / (each[0] * each[1]).sqrt()), abs=0.02)
    assert abs(np.corrcoef(standard, low)[0, 1]) < 0.02


def test_a_thick_slice_averages_the_noise_of_its_thin_ones():
    thin, thick = noise_of(REFERENCE, replace(REFERENCE, thickness_mm=3.0))
    assert thick.std() == pytest.approx(thin.std() / math.sqrt(3), rel=0.03)
    assert np.corrcoef(thin, thick)[0, 1] == pytest.approx(1 / math.sqrt(3), abs=0.02)


def test_a_thin_wall_loses_contrast_with_thickness():
    wall = uniform_objects(1, -1000.0, PLANES)
    wall[:, PLANES // 2] = 0
    for thickness in (1.0, 2.0, 3.0, 5.0):
        setting = Setting("t", STANDARD, thickness_mm=thickness, dose=SILENT)
        seen = float(render(wall, setting, keys(1)).mean()) + 1000
        assert seen == pytest.approx(1000 * PLANE_MM / thickness, abs=1)
        assert slice_profile(thickness, PLANES).sum() == pytest.approx(1)


def test_pictures_are_whole_hu_clipped_at_the_lowest_value():
    pictures = render(uniform_objects(20, -1000.0), SETTINGS["b_sharp_1mm"], keys(20))
    assert pictures.min() == LOWEST_HU and torch.equal(pictures, pictures.round())
    # digest 9.8: noise at the floor makes air brighter, which is technical and not additive
    assert pictures.mean() > -1000 + SETTINGS["b_sharp_1mm"].offset_hu + 5
    assert to_unit(torch.tensor([-1024.0, -1000.0, -400.0, 200.0, 900.0])).tolist() == [0, 0, 0.5, 1, 1]


def test_at_no_effect_every_setting_is_the_reference_and_at_half_it_lies_between():
    objects = uniform_objects(10, -700.0, 5) + 40 * torch.randn(10, 1, 96, 96, generator=torch.manual_seed(0))
    reference = render(objects, REFERENCE, keys(10))
    for setting in SETTINGS.values():
        if planes_for([setting]) <= 5:
            assert torch.equal(render(objects, blended(setting, 0.0), keys(10)), reference)
        assert blended(setting, 1.0) is setting
        sd = [noise_sd(blended(setting, effect)) for effect in (0.0, 0.5, 1.0)]
        assert min(sd[0], sd[2]) <= sd[1] <= max(sd[0], sd[2])
    zero, half, full = noise_of(*(blended(SETTINGS["b_sharp_1mm"], effect) for effect in (0.0, 0.5, 1.0)))
    assert np.corrcoef(zero, half)[0, 1] > 0.7 and abs(np.corrcoef(zero, full)[0, 1]) < 0.02


def test_a_picture_depends_neither_on_its_batch_nor_on_other_settings_beside_it():
    settings = [REFERENCE, SETTINGS["a_lung_1mm"], SETTINGS["a_standard_3mm"]]
    objects = uniform_objects(6, -700.0, planes_for(settings))
    together = render_all(objects, settings, keys(6))
    alone = torch.stack([render(objects[at : at + 1], settings[1], keys(6)[at : at + 1])[0] for at in range(6)])
    assert (together[:, 1] - alone).abs().max() <= 1


def test_settings_are_told_in_plain_numbers_and_their_acquisitions_are_known():
    for name, setting in SETTINGS.items():
        assert setting.name == name and setting.acquisition in ACQUISITIONS
        facts = described(setting)
        assert {"f50", "thickness_mm", "dose", "offset_hu", "noise_sd_hu", "vendor"} <= set(facts)
    assert len({(s.acquisition, s.dose) for s in SETTINGS.values()}) == len({s.acquisition for s in SETTINGS.values()})


def test_objects_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"objects must be .*found \(2, 2, 96, 96\)"):
        render(uniform_objects(2, planes=2), REFERENCE, keys(2))
    with pytest.raises(ValueError, match="3 planes of objects, but the thickest setting needs 5"):
        render(uniform_objects(2), SETTINGS["a_standard_3mm"], keys(2))
    with pytest.raises(ValueError, match="setting thick: 8.0 mm thick, but objects are 5.25 mm deep"):
        planes_for([Setting("thick", SOFT, thickness_mm=8.0)])
