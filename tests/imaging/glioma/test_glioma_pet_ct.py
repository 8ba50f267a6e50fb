"""The cohort ``pet_ct``: levels in published ranges, what CT cannot tell of PET, noise, determinism."""

import numpy as np
import pytest

from disentangle.imaging import datasets
from disentangle.imaging.glioma import emission, heads

PEOPLE = 6


@pytest.fixture(scope="module")
def cohort():
    return datasets.load("pet_ct", people=PEOPLE, jitter=0.0)


def shares(number):
    found = heads.person_volumes(number, 0, 32)
    return np.concatenate([found["maps"], found["around"]]).astype(float) / 255


def pure(name, numbers=range(PEOPLE)):
    """Voxels (person, z, row, column) that hold nearly one part alone, so do their neighbours on average."""
    return np.stack([shares(number)[emission.NAMES.index(name)] > 0.93 for number in numbers])


def test_channels_are_suv_and_hu_of_the_heads_of_brain(cohort):
    assert cohort.extra["modalities"] == ("PET", "CT") and cohort.images.shape == (PEOPLE, 2, 32, 32, 32)
    mr = datasets.load("brain", people=2)
    assert np.array_equal(mr.labels, cohort.labels[:2]) and list(mr.subjects.index) == list(cohort.subjects.index[:2])
    assert cohort.images.min() == 0 and cohort.images.max() == 1


def test_levels_lie_in_the_published_ranges(cohort):
    hu = cohort.images[:, 1] * 100 - 20
    deep = cohort.extra["brain_masks"]
    assert 28 < np.median(hu[pure("wm") & deep]) < 35 and 35 < np.median(hu[pure("gm") & deep]) < 45
    assert 2 < np.median(hu[pure("gm") & deep]) - np.median(hu[pure("wm") & deep]) < 11  # 5.5 HU measured
    suv = cohort.images[:, 0] * 15 / cohort.subjects["metabolism"].to_numpy()[:, None, None, None]
    assert 1.8 < np.median(suv[pure("wm")]) < 2.9  # white matter of 1.8..2.5, and some spill-in from the cortex
    ratio = emission.SUVR["gm"] / emission.SUVR["wm"]
    assert 3 <= ratio <= 5 and np.median(suv[pure("gm")]) > 2 * np.median(suv[pure("wm")])
    assert (cohort.images[:, 1][pure("bone")] == 1).all()


def test_fluid_and_oedema_are_darker_than_brain_in_ct(cohort):
    hu, tissue = cohort.images[:, 1] * 100 - 20, cohort.extra["tissues"]
    oedema = hu[(tissue == 1 + heads.PARTS.index("oedema")) & (cohort.labels == 2)]
    assert 10 < np.median(oedema) < 28 < np.median(hu[pure("wm")])


def test_uptake_of_a_tumour_cannot_be_read_from_its_density():
    drawn = [emission.draw_metabolism(n, 0, 10.0) for n in range(3000)]
    suvr, hot = np.array([one.tumour_suvr for one in drawn]), np.array([one.hot for one in drawn])
    hu = np.array(
        [emission.personal(n, 0, one, 1.0)[1][emission.NAMES.index("enhancing")] for n, one in enumerate(drawn)]
    )
    assert abs(np.corrcoef(suvr, hu)[0, 1]) < 0.06 and abs(hot.mean() - emission.HOT_SHARE) < 0.03
    assert suvr[hot].min() >= 2 and suvr[~hot].max() <= 1.4 and suvr.max() <= 6
    factor = np.array([one.factor for one in drawn])
    assert abs(np.log(factor).std() - 0.10) < 0.01 and emission.draw_metabolism(0, 0, 0.0).factor == 1


def test_hot_tumours_are_labelled_and_cold_ones_are_not(cohort):
    hot = cohort.subjects["hot"].to_numpy()
    assert hot.any() and not hot.all()
    count = cohort.extra["hot_masks"].sum(axis=(1, 2, 3))
    assert (count[hot] > 0).all() and not (cohort.extra["hot_masks"] & ~cohort.masks).any()
    warm = [cohort.images[i, 0][cohort.extra["hot_masks"][i]].mean() for i in np.flatnonzero(hot)]
    white = np.median(cohort.images[:, 0][pure("wm")])
    assert min(warm) > white


def test_counts_make_the_noise_of_pet_and_kernels_that_of_ct():
    block = np.zeros((len(emission.NAMES), 24, 24, 24))
    block[emission.NAMES.index("gm")] = 1
    person = emission.Metabolism(1.0, 4.0, True, 2e4, "soft")
    uptake, hu = emission.personal(0, 0, person, 0.0)
    inner = (slice(6, -6),) * 3
    noisy = emission.pet(block, uptake, person, 6.5, np.random.default_rng(0))[inner]
    counts = 2e4 * 6.5**3 / 1000
    assert (
        abs(noisy.mean() / uptake[1] - 1) < 0.01 and 0.6 / counts**0.5 < noisy.std() / noisy.mean() < 1.05 / counts**0.5
    )
    for kernel, (sd, grain) in emission.KERNELS.items():
        picture = emission.ct(block, hu, kernel, 1.0, np.random.default_rng(0))[inner]
        assert abs(picture.std() / sd - 1) < 0.1 and abs(picture.mean() - 38) < 0.5 and grain > 1


def test_a_person_looks_the_same_however_many_are_loaded(cohort, monkeypatch):
    monkeypatch.setattr(heads, "_draw", None)
    few = datasets.load("pet_ct", people=2, jitter=0.0)
    assert np.array_equal(few.images, cohort.images[:2]) and np.array_equal(
        few.extra["hot_masks"], cohort.extra["hot_masks"][:2]
    )
    assert datasets.load("pet_ct", people=PEOPLE, jitter=0.0).sha256 == cohort.sha256


def test_skull_and_scalp_surround_the_brain(cohort):
    head = cohort.extra["head_masks"]
    assert not (cohort.extra["brain_masks"] & ~head).any() and head.mean() > 1.2 * cohort.extra["brain_masks"].mean()


@pytest.mark.parametrize(
    ("options", "message"), [({"metabolism": 80.0}, "metabolism is 80.0"), ({"jitter": -1.0}, "jitter is -1.0")]
)
def test_what_cannot_be_drawn_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        datasets.load("pet_ct", people=1, side=16, **options)
