"""Signal ratios against the closed form and a Bloch simulation, noise statistics, independence of the batch, speed."""

import math
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from disentangle.imaging.heart import render as rendering
from disentangle.imaging.heart import signal, tissues
from disentangle.imaging.heart.anatomy import Grid, draw_stacks
from disentangle.imaging.heart.render import HU_WINDOW, Slices, acquire, render, to_unit
from disentangle.imaging.heart.style import CT, FIELD_T, MR_1_5T, MR_3T, ct_style, mr_style, scan_key
from disentangle.imaging.heart.subject import draw_heart
from disentangle.imaging.heart.tissues import TISSUES

SEED = 5
SIZE = 64


def uniform_slices(tissue: int, n: int = 8, kind: int = MR_1_5T) -> Slices:
    """Pictures of nothing but one tissue, a scan each."""
    whole, number = torch.full((n, SIZE, SIZE), tissue, dtype=torch.uint8), torch.arange(n)
    zero = torch.zeros(n)
    return Slices(
        first=whole,
        second=whole,
        share=torch.full_like(whole, 255),
        anatomy=number,
        picture=number,
        kind=torch.full((n,), kind),
        scan=number,
        x_mm=zero,
        y_mm=zero,
        z_mm=zero,
        turn_rad=zero,
        pixel_mm=torch.full((n,), 2.0),
    )


@pytest.fixture(scope="module")
def hearts() -> Slices:
    stacks = draw_stacks(draw_heart(0, seed=0), Grid(128, 1.37), frames=2)
    n, table = len(stacks), stacks.samples
    return Slices(
        first=torch.from_numpy(stacks.first),
        second=torch.from_numpy(stacks.second),
        share=torch.from_numpy(stacks.share),
        anatomy=torch.zeros(n, dtype=torch.int64),
        picture=torch.arange(n),
        kind=torch.full((n,), MR_1_5T),
        scan=torch.zeros(n, dtype=torch.int64),
        **{name: torch.from_numpy(table[name].to_numpy(np.float32)) for name in ("x_mm", "y_mm", "z_mm", "turn_rad")},
        pixel_mm=torch.full((n,), 1.37),
    )


def on_resonance(tissue: tissues.Tissue, at: int, tr: float, flip: float) -> float:
    """The digest's formula on resonance, in plain Python."""
    e1, e2 = math.exp(-tr / tissue.t1[at]), math.exp(-tr / tissue.t2[at])
    cosine, sine = math.cos(flip), math.sin(flip)
    steady = sine * (1 - e1) / (1 - (e1 - e2) * cosine - e1 * e2)
    return tissue.density * steady * math.exp(-tr / 2 / tissue.t2[at])


def state(tissue: tissues.Tissue, at: int, tr: float, flip: float) -> signal.SteadyState:
    numbers = (tissue.density, tissue.t1[at], tissue.t2[at], tr, flip)
    return signal.steady_state(*(torch.tensor(number, dtype=torch.float64) for number in numbers))


def bloch(t1: float, t2: float, tr: float, flip: float, psi: float, pulses: int = 3000) -> float:
    """Transverse magnetization half-way between alternating pulses, simulated pulse by pulse."""
    half1, half2 = math.exp(-tr / 2 / t1), math.exp(-tr / 2 / t2)
    transverse, along = 0j, 1.0
    for pulse in range(pulses):
        angle = flip if pulse % 2 else -flip
        x, y = transverse.real, transverse.imag
        y, along = math.cos(angle) * y + math.sin(angle) * along, math.cos(angle) * along - math.sin(angle) * y
        turn = complex(math.cos(psi / 2), math.sin(psi / 2))
        transverse = complex(x, y) * turn * half2
        echo = abs(transverse)
        transverse *= turn * half2
        along = 1 + (along - 1) * half1 * half1
    return echo


@pytest.mark.parametrize("psi", [0.0, 0.6, 1.9, 2.9, 4.0])
def test_the_profile_is_what_the_bloch_equations_give(psi):
    blood = TISSUES[tissues.MYOCARDIUM]
    profile = state(replace(blood, density=1.0), 0, 3.0, math.radians(60))
    expected = bloch(blood.t1[0], blood.t2[0], 3.0, math.radians(60), psi)
    assert float(signal.magnitude(profile, math.cos(psi))) == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize(("at", "tr", "flip"), [(0, 3.0, 60.0), (1, 3.2, 45.0)])
def test_signals_relative_to_blood_are_those_of_the_closed_form_and_of_the_digest(at, tr, flip):
    printed = {"myocardium": (0.32, 0.38), "liver": (0.43, 0.37), "muscle": (0.19, 0.29), "spleen": (0.44, 0.42)}
    blood = TISSUES[tissues.LEFT_BLOOD]
    for tissue in TISSUES[1:]:
        found = float(signal.magnitude(state(tissue, at, tr, math.radians(flip)), 1.0))
        assert found == pytest.approx(on_resonance(tissue, at, tr, math.radians(flip)), rel=1e-9)
        if tissue.name in printed:
            ratio = found / on_resonance(blood, at, tr, math.radians(flip))
            assert ratio == pytest.approx(printed[tissue.name][at], abs=0.012), tissue.name


@pytest.mark.parametrize(("kind", "at"), [(MR_1_5T, 0), (MR_3T, 1)])
def test_rendered_tissues_have_the_ratio_of_their_profiles(kind, at):
    def mean(tissue):
        slices = uniform_slices(tissue, n=24, kind=kind)
        key = scan_key(SEED, slices.kind, slices.scan)
        style = mr_style(key, slices.kind)
        picture = rendering.bssfp_signal(slices, style, torch.zeros(24, SIZE, SIZE))
        return picture.mean((1, 2)), signal.magnitude(style.profile, 1.0)[:, tissue]

    found, expected = mean(tissues.MYOCARDIUM)
    assert torch.allclose(found, expected, rtol=0.02)
    blood, expected_blood = mean(tissues.LEFT_BLOOD)
    assert torch.allclose(blood / found, expected_blood / expected, rtol=0.05)
    assert 2.0 < (blood / found).mean() < 4.2  # about 3 in clinical cine


def test_fat_has_the_opposite_sign_of_water_only_beyond_the_null():
    slices = uniform_slices(tissues.FAT, n=8, kind=MR_1_5T)
    style = mr_style(scan_key(SEED, slices.kind, slices.scan), slices.kind)
    picture = rendering.bssfp_signal(slices, style, torch.zeros(8, SIZE, SIZE)).mean((1, 2))
    beyond = 217 * style.tr_ms / 1000 > 0.5
    assert beyond.any() and (picture[beyond] < 0).all() and (picture[~beyond] > 0).all()


def test_a_mixed_pixel_has_the_share_weighted_signal():
    slices = uniform_slices(tissues.LEFT_BLOOD, n=4)
    half = replace(
        slices,
        second=torch.full_like(slices.first, tissues.AIR),
        share=torch.full_like(slices.first, 153),
    )
    style = mr_style(scan_key(SEED, slices.kind, slices.scan), slices.kind)
    field = torch.zeros(4, SIZE, SIZE)
    whole, part = (rendering.bssfp_signal(some, style, field) for some in (slices, half))
    assert torch.allclose(part, 0.6 * whole, rtol=1e-4)


def test_noise_is_rician_with_the_stated_spread():
    slices = uniform_slices(tissues.AIR, n=60)
    key = scan_key(SEED, slices.kind, slices.scan)
    style, sd = mr_style(key, slices.kind), torch.full((60,), 0.02)
    empty = acquire(torch.zeros(60, SIZE, SIZE), style, slices.pixel_mm, sd, key)
    assert empty.mean() == pytest.approx(0.02 * math.sqrt(math.pi / 2), rel=0.01)
    assert empty.std() == pytest.approx(0.02 * math.sqrt(2 - math.pi / 2), rel=0.02)
    bright = acquire(torch.full((60, SIZE, SIZE), 0.5), style, slices.pixel_mm, sd, key)
    assert bright.std() == pytest.approx(0.02, rel=0.02)
    assert bright.mean() == pytest.approx(math.sqrt(0.5**2 + 0.02**2), rel=1e-3)


def test_frequencies_beyond_the_acquired_resolution_are_absent():
    slices = uniform_slices(tissues.AIR, n=1)
    style = mr_style(scan_key(SEED, slices.kind, slices.scan), slices.kind)
    style = replace(style, phase_mm=torch.tensor([4.0]), readout_mm=torch.tensor([2.0]))
    stripes = torch.zeros(1, SIZE, SIZE)
    stripes[:, ::2] = 1
    sideways = stripes.mT.contiguous()
    quiet = torch.zeros(1)
    for is_row in (True, False):
        turned = replace(style, phase_is_row=torch.tensor([is_row]))
        passed, cut = (sideways, stripes) if is_row else (stripes, sideways)
        inner = (0, slice(8, -8), slice(8, -8))
        key = slices.scan
        assert acquire(cut, turned, torch.tensor([2.0]), quiet, key)[inner].std() < 0.03
        assert acquire(passed, turned, torch.tensor([2.0]), quiet, key)[inner].std() > 0.1


def test_field_errors_have_their_spread_and_double_at_3_t():
    spread = {}
    for kind in (MR_1_5T, MR_3T):
        slices = uniform_slices(tissues.AIR, n=300, kind=kind)
        style = mr_style(scan_key(SEED, slices.kind, slices.scan), slices.kind)
        style = replace(style, dipole_hz=torch.zeros(300))
        spread[kind] = float(rendering.off_resonance(slices, style).std())
    assert spread[MR_1_5T] == pytest.approx(25, rel=0.06) and spread[MR_3T] == pytest.approx(50, rel=0.06)


def test_coils_are_brighter_in_front_and_one_at_the_heart():
    slices = uniform_slices(tissues.AIR, n=50)
    coil = rendering.coil_sensitivity(slices, mr_style(scan_key(SEED, slices.kind, slices.scan), slices.kind))
    assert coil[:, SIZE // 2, SIZE // 2].mean() == pytest.approx(1, abs=0.03)
    assert coil[:, 8, 8].mean() > 1.3 * coil[:, -8, -8].mean()


def test_styles_lie_in_the_stated_ranges():
    n = 400
    for kind, field in FIELD_T.items():
        kinds = torch.full((n,), kind)
        style = mr_style(scan_key(SEED, kinds, torch.arange(n)), kinds)
        flip = torch.rad2deg(style.flip_rad)
        assert style.tr_ms.min() >= 2.6 and style.tr_ms.max() <= 3.6
        assert (flip.max() <= 50.01) if field == 3.0 else (flip.min() >= 49.99)
    ct = ct_style(scan_key(SEED, torch.full((n,), CT), torch.arange(n)))
    assert ct.hu[:, tissues.LEFT_BLOOD].min() >= 300 and ct.hu[:, tissues.LEFT_BLOOD].max() <= 450
    left, right = ct.hu[:, tissues.LEFT_BLOOD], ct.hu[:, tissues.RIGHT_BLOOD]
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.15


def test_ct_shows_each_tissue_at_its_hounsfield_units_with_the_stated_noise():
    for tissue in (tissues.MYOCARDIUM, tissues.LEFT_BLOOD, tissues.LIVER):
        slices = uniform_slices(tissue, n=12, kind=CT)
        style = ct_style(scan_key(SEED, slices.kind, slices.scan))
        picture = render(slices, SEED)[:, 0]
        assert torch.allclose(picture.mean((1, 2)), style.hu[:, tissue], atol=5)
    quiet = replace(slices, first=torch.full_like(slices.first, tissues.AIR), second=torch.zeros_like(slices.first))
    spread = render(quiet, SEED)[:, 0].std((1, 2))
    assert torch.allclose(spread, style.noise_hu, rtol=0.12)


def test_a_picture_depends_neither_on_its_batch_nor_on_other_styles_beside_it(hearts):
    some = hearts.take(torch.arange(6))
    mixed = replace(some, kind=torch.tensor([MR_1_5T, CT, MR_3T, CT, MR_1_5T, MR_3T]))
    together, alone = render(mixed, SEED), render(mixed, SEED, chunk=1)
    assert torch.allclose(together, alone, rtol=1e-4, atol=0.02)
    assert torch.equal(together, render(mixed, SEED))
    assert not torch.allclose(together[:1], render(some.take(torch.tensor([0])), SEED + 1))


def test_blood_is_brighter_than_muscle_in_every_style(hearts):
    for kind in (MR_1_5T, MR_3T, CT):
        for scan in range(4):
            picture = render(hearts.in_style(kind, scan), SEED)[:, 0]
            pure = hearts.share == 255
            blood = picture[pure & (hearts.first == tissues.LEFT_BLOOD)].mean()
            muscle = picture[pure & (hearts.first == tissues.MYOCARDIUM)].mean()
            assert blood > 1.7 * muscle


def test_scaling_uses_the_window_for_ct_and_percentiles_of_the_volume_for_mr(hearts):
    n = len(hearts)
    volume = (torch.arange(n) >= n // 2).long()
    raw = render(hearts, SEED)
    unit = to_unit(raw, hearts.kind, volume)
    for number in (0, 1):
        values = raw[volume == number].numpy()
        low, high = np.percentile(values, [5, 95])
        expected = np.clip((values - low) / (high - low), 0, 1)
        assert np.allclose(unit[volume == number].numpy(), expected, atol=1e-3)
    ct = torch.tensor([[[[HU_WINDOW[0] - 9, HU_WINDOW[0]], [150.0, HU_WINDOW[1] + 9]]]])
    scaled = to_unit(ct, torch.tensor([CT]), torch.tensor([0])).flatten()
    assert torch.allclose(scaled, torch.tensor([0.0, 0.0, 0.5, 1.0]), atol=1e-3)


def test_rows_that_do_not_fit_are_refused(hearts):
    with pytest.raises(ValueError, match="2 rows in kind but .* slices in first"):
        replace(hearts, kind=hearts.kind[:2])
    with pytest.raises(ValueError, match="even size, found"):
        replace(hearts, first=hearts.first[:, :-1])


def test_restyling_is_fast(hearts):
    """200 slices a second on one core; laxly a quarter of that, for machines that do other things."""
    render(hearts.take(slice(0, 8)), SEED)
    start = time.process_time()
    render(hearts, SEED)
    assert len(hearts) / (time.process_time() - start) > 50
