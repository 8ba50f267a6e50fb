"""The lung by threshold: right volume, no windpipe, no couch, and a refusal where there is none."""

import numpy as np
import pytest

from disentangle.imaging.lung_ct.lung_mask import lung_by_threshold
from disentangle.imaging.lung_ct.scans import LungError


@pytest.fixture
def volume(chest) -> np.ndarray:
    return np.stack([chest(noise_hu=30)] * 6)


def test_two_round_lungs_have_their_volume(volume):
    lung = lung_by_threshold(volume, (1, 1), 5.0)
    assert lung.sum() == pytest.approx(6 * 2 * np.pi * 36**2, rel=0.02)
    assert lung[0, 100, 55] and lung[0, 100, 145] and not lung[0, 100, 100] and not lung[0, 0, 0]


def test_vessels_belong_to_the_lung_and_large_holes_do_not(volume, round_mask):
    vessel, heart = round_mask((100, 50), 3), round_mask((105, 145), 16)
    volume[:, vessel | heart] = 40
    lung = lung_by_threshold(volume, (1, 1), 5.0)
    assert lung[:, vessel].all() and lung[:, heart].mean() < 0.02


def test_windpipe_and_bowel_gas_are_left_out(volume, round_mask):
    windpipe, bowel = round_mask((70, 100), 8), round_mask((165, 100), 18)
    volume[:, windpipe | bowel] = -1000
    lung = lung_by_threshold(volume, (1, 1), 5.0)
    assert not lung[:, windpipe | bowel].any()


def test_foam_of_a_couch_is_left_out(volume):
    volume[:, 197:, :] = -850
    volume = np.concatenate([volume, np.full((6, 60, 200), -850.0)], axis=1)
    lung = lung_by_threshold(volume, (1, 1), 5.0)
    assert not lung[:, 198:].any() and lung[:, 100, 55].all()


def test_a_lung_that_the_picture_cuts_is_kept(volume):
    lung = lung_by_threshold(volume[:, :, 40:], (1, 1), 5.0)
    assert lung[:, 100, 0].all() and not lung[:, 5, 0].any()


def test_no_lung_is_an_error_that_says_what_was_found(volume):
    with pytest.raises(LungError, match=r"phantom: no lung found.*has 0.0 ml, expected at least 50"):
        lung_by_threshold(np.where(volume > -950, 40, -1000), (1, 1), 5.0, "phantom")
    with pytest.raises(LungError, match="no lung found"):
        lung_by_threshold(volume[:1], (1, 1), 1.0)
