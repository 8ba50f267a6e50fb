"""Signal equations, tissues and sites: closed forms, the digest's table, the order of contrasts."""

import math

import pytest
import torch

from disentangle.imaging.brain import signal
from disentangle.imaging.brain.sites import SITES, contrast_table, measured, relaxation, with_signal
from disentangle.imaging.brain.tissues import TISSUES

PUBLISHED = {  # digest 12.3: csf, gm, oedema, tumour, ms_plaque, wmh, chronic_infarct over the brightest, wm
    "A.T1": (0.62, 0.95, 0.83, 0.77, 0.86, 0.90, 0.66, 1.00),
    "A.T2": (1.00, 0.41, 0.74, 0.59, 0.67, 0.57, 0.95, 0.29),
    "B.T1": (0.52, 0.87, 0.77, 0.71, 0.81, 0.86, 0.59, 1.00),
    "B.T2": (1.00, 0.47, 0.76, 0.59, 0.70, 0.61, 0.89, 0.30),
    "C.T1": (0.09, 0.39, 0.10, 0.06, 0.23, 0.35, 0.07, 1.00),
    "C.T2": (1.00, 0.68, 0.95, 0.74, 0.91, 0.83, 0.95, 0.48),
    "D.T1": (0.47, 0.88, 0.71, 0.64, 0.76, 0.82, 0.51, 1.00),
    "D.T2": (1.00, 0.44, 0.81, 0.62, 0.74, 0.63, 0.98, 0.30),
    "E.T1": (0.38, 0.77, 0.62, 0.57, 0.68, 0.74, 0.43, 1.00),
    "E.T2": (1.00, 0.67, 0.99, 0.79, 0.94, 0.85, 1.01, 0.51),
    "F.FLAIR": (0.17, 1.00, 1.19, 0.79, 1.37, 1.32, 0.47, 0.76),
    "E.FLAIR": (0.67, 1.00, 1.40, 1.00, 1.48, 1.38, 0.87, 0.77),
}
COLUMNS = ("csf", "gm", "oedema", "tumour", "ms_plaque", "wmh", "chronic_infarct", "wm")


@pytest.mark.parametrize("name", PUBLISHED)
def test_protocols_give_the_signals_of_the_digest(name):
    site, sequence = name.split(".")
    found = contrast_table({name: SITES[site].protocol(sequence)}).loc[name, list(COLUMNS)]
    assert found.to_numpy(float) == pytest.approx(PUBLISHED[name], abs=0.011)


@pytest.mark.parametrize("site", SITES)
def test_the_order_of_tissues_is_that_of_the_sequence(site):
    table = contrast_table({s: SITES[site].protocol(s) for s in ("T1", "T1ce", "T2", "FLAIR")}, gamma=True)
    t1, post, t2, flair = (table.loc[s] for s in ("T1", "T1ce", "T2", "FLAIR"))
    assert t1.csf < t1.gm < t1.wm
    assert t2.wm < t2.deep_gm < t2.gm < t2.csf
    assert flair.csf < flair.wm < flair.gm < flair.oedema
    assert post.tumour == post.max() and t1.tumour < t1.gm


def test_flair_nulls_csf_at_ln2_t1_and_not_at_the_wrong_field():
    ti = signal.nulling_ti(2600, 9000)
    assert ti == pytest.approx(2600 * math.log(2), rel=0.05)
    assert float(signal.inversion_recovery(1.0, 2600, 330, 9000, 110, ti)) < 1e-4
    assert float(signal.inversion_recovery(1.0, 2600, 330, 9000, 110, 2300)) > 0.1


def test_long_repetition_and_short_echo_leave_the_proton_density():
    assert float(signal.spin_echo(0.77, 600, 75, 1e6, 0.0)) == pytest.approx(0.77)
    assert float(signal.spoiled_gradient_echo(0.77, 600, 58, 1e6, 0.0, 90.0)) == pytest.approx(0.77)
    assert float(signal.mprage(0.77, 600, 58, 1e6, 0.0, 1e6)) == pytest.approx(0.77)


def test_the_ernst_angle_maximises_the_gradient_echo():
    flips = torch.linspace(1, 89, 881)
    values = signal.spoiled_gradient_echo(1.0, 600.0, 1e9, 9.8, 0.0, flips)
    ernst = math.degrees(math.acos(math.exp(-9.8 / 600)))
    assert float(flips[values.argmax()]) == pytest.approx(ernst, abs=0.15)


def test_gadolinium_shortens_t1_by_its_relaxivity():
    t1, t2 = signal.with_gadolinium(torch.tensor(1500.0), torch.tensor(115.0), torch.tensor(0.35), 3.0)
    assert float(t1) == pytest.approx(1500 / (1 + 1.5 * 4.97 * 0.35), rel=1e-5) and float(t1) == pytest.approx(
        416, abs=3
    )
    assert float(t2) < 115


def test_a_readers_other_settings_change_contrast_as_physics_says():
    t2 = SITES["A"].protocol("T2")
    later = contrast_table({"now": t2, "later": with_signal(t2, te_ms=180)})
    assert later.gm["later"] < later.gm["now"]
    values = relaxation(tuple(TISSUES), 1.5)
    assert (measured(with_signal(t2, tr_ms=2000), values) < measured(t2, values)).all()


def test_relaxation_between_fields_follows_a_power_law():
    low, middle, high = (TISSUES["wm"].at(field)[0] for field in (1.5, math.sqrt(4.5), 3.0))
    assert (low, high) == pytest.approx((600, 860)) and middle == pytest.approx(math.sqrt(600 * 860))
    with pytest.raises(ValueError, match="field_t is 0.1"):
        TISSUES["wm"].at(0.1)


def test_unknown_pulses_and_senseless_times_are_refused():
    with pytest.raises(ValueError, match="pulse is 'epi'"):
        with_signal(SITES["A"].protocol("T1"), pulse="epi")
    with pytest.raises(ValueError, match="te_ms is -1"):
        with_signal(SITES["A"].protocol("T1"), te_ms=-1)
    with pytest.raises(ValueError, match="no sequence 'PD'"):
        SITES["A"].protocol("PD")
