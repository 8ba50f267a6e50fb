"""The cohort ``brain_sites``: tables, twins, masks, sites, credibility checks, cache, refusals."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from sklearn.metrics import average_precision_score

from disentangle.imaging import datasets
from disentangle.imaging.brain import cohort as brain
from disentangle.imaging.brain import credibility, sections
from disentangle.imaging.brain.render import Corruption, render
from disentangle.imaging.brain.restyle import under_protocol
from disentangle.imaging.brain.sites import SITES
from disentangle.imaging.brain.volumes import load_volumes, volume_grid

KINDS = ("healthy", "glioma", "ms")
OPTIONS = {"people": 3, "size": 80, "slices": 5, "sites": ("B",), "lesions": KINDS}


@pytest.fixture(scope="module")
def cohort():
    return datasets.load("brain_sites", **OPTIONS)


def of(cohort, kind):
    return cohort.select((cohort.samples["lesion"] == kind).to_numpy())


def test_one_row_per_section_and_kinds_take_turns(cohort):
    assert cohort.images.shape == (15, 3, 80, 80) and cohort.images.dtype == np.float32
    assert cohort.images.min() == 0 and cohort.images.max() == 1 and not cohort.real
    assert list(cohort.subjects["lesion"]) == list(KINDS) and set(cohort.samples["site"]) == {"B"}
    assert np.allclose(cohort.spacing_mm, 2.5) and set(np.unique(cohort.labels)) <= {0, 1, 2, 3, 4}
    assert not cohort.masks[(cohort.samples["lesion"] == "healthy").to_numpy()].any()
    assert all(cohort.masks[(cohort.samples["lesion"] == kind).to_numpy()].any() for kind in ("glioma", "ms"))
    area = cohort.masks.sum(axis=(1, 2)) * 2.5**2
    assert np.allclose(area, cohort.samples["lesion_mm2"], atol=0.1)


def test_outside_the_brain_is_black_and_lesions_lie_inside(cohort):
    brain_masks = cohort.extra["brain_masks"]
    assert (cohort.images.max(axis=1)[~brain_masks] == 0).all()
    assert not (cohort.masks & ~brain_masks).any()
    assert 0.15 < brain_masks.mean() < 0.6


def test_a_healthy_person_is_the_own_twin(cohort):
    healthy = of(cohort, "healthy")
    assert np.array_equal(healthy.images, healthy.extra["twins"])


def test_a_twin_is_the_same_outside_lesion_and_mass_effect(cohort):
    for kind in ("ms", "glioma"):
        some = of(cohort, kind)
        changed = np.abs(some.images - some.extra["twins"]).max(axis=1)
        touched = some.extra["touched"]
        assert not (some.masks & ~touched).any()
        far = ~np.stack([ndimage.binary_dilation(mask, iterations=4) for mask in touched])
        assert far.any() and np.median(changed[far]) == 0 and changed[far].max() < 0.01
        assert changed[some.masks].mean() > 0.08
    assert of(cohort, "ms").extra["touched"].mean() < 0.1


def test_mass_effect_reaches_beyond_the_glioma_and_plaques_have_none(cohort):
    glioma, ms = of(cohort, "glioma"), of(cohort, "ms")
    assert glioma.extra["moved_mm"][~glioma.masks].max() > 1
    assert ms.extra["moved_mm"].max() == 0


def test_tissue_contrast_is_that_of_the_sequence(cohort):
    healthy = of(cohort, "healthy")
    mean = {
        tissue: healthy.images.transpose(1, 0, 2, 3)[:, healthy.labels == code].mean(axis=1)
        for tissue, code in brain.LABELS.items()
        if tissue in ("csf", "gm", "wm")
    }
    t1, t2, flair = range(3)
    assert mean["csf"][t1] < mean["gm"][t1] < mean["wm"][t1]
    assert mean["wm"][t2] < mean["gm"][t2] < mean["csf"][t2]
    assert mean["csf"][flair] < mean["wm"][flair] < mean["gm"][flair]


def test_a_threshold_finds_lesions_in_flair_better_than_in_t2_and_than_chance(cohort):
    glioma = of(cohort, "glioma")
    inside, truth = glioma.extra["brain_masks"], glioma.masks[glioma.extra["brain_masks"]]
    t2, flair = (average_precision_score(truth, glioma.images[:, c][inside]) for c in (1, 2))
    assert flair > truth.mean() and t2 > truth.mean()
    ms = of(cohort, "ms")
    inside, truth = ms.extra["brain_masks"], ms.masks[ms.extra["brain_masks"]]
    t2, flair = (average_precision_score(truth, ms.images[:, c][inside]) for c in (1, 2))
    assert flair > 5 * truth.mean() and flair > 2 * t2
    assert t2 < 0.5  # CSF is as bright as a plaque


def test_nearly_every_lesion_voxel_stands_out_in_some_sequence(cohort):
    for kind in ("glioma", "ms"):
        subject = cohort.subjects.index[cohort.subjects["lesion"] == kind][0]
        assert credibility.invisible_share(cohort, subject) < 0.05
    assert np.isnan(credibility.invisible_share(cohort, cohort.subjects.index[0]))


def test_grey_and_white_matter_differ_by_more_than_the_noise_at_every_site():
    for site in SITES.values():
        for sequence in ("T1", "T2", "FLAIR"):
            assert credibility.contrast_to_noise(site.protocol(sequence)) > 1.5, (site.name, sequence)


def test_sites_differ_more_than_people(cohort):
    healthy = of(cohort, "healthy")
    twin = of(cohort, "ms")
    inside, other = healthy.extra["brain_masks"], twin.extra["brain_masks"]
    within = credibility.histogram_distance(healthy.images[:, 0], twin.extra["twins"][:, 0], inside, other)
    moved = under_protocol(healthy, SITES["C"].protocol("T1"))
    assert credibility.histogram_distance(healthy.images[:, 0], moved, inside, inside) > within


def test_under_its_own_protocol_a_cohort_is_itself(cohort):
    some = cohort.select(np.array([1, 7, 12]))
    again = under_protocol(some, SITES["B"].protocol("T1"))
    assert np.array_equal(again, some.images[:, 0])
    twins = under_protocol(some, SITES["B"].protocol("T1"), twins=True)
    assert np.abs(twins - some.extra["twins"][:, 0]).max() < 2 / 4095 + 1e-6
    with pytest.raises(ValueError, match="expected a cohort of brain_sites"):
        under_protocol(brain.Cohort(**{**some.__dict__, "name": "other"}), SITES["B"].protocol("T1"))


def test_select_takes_twins_and_masks_along(cohort):
    rows = np.array([14, 2])
    some = cohort.select(rows)
    for part in brain.PER_IMAGE:
        assert np.array_equal(some.extra[part], cohort.extra[part][rows])
    assert len(cohort.of_people(cohort.subjects.index[:1]).extra["twins"]) == 5


def test_pictures_do_not_depend_on_the_batch_and_noise_has_the_stated_size(cohort):
    grid, protocol = cohort.extra["grid"], SITES["B"].protocol("T1")
    found = sections.person_sections(0, 0, "healthy", grid, 1.0)
    some = brain.to_sections(found, 0, 0, "healthy", grid)
    whole = render(some, protocol, 0)
    assert torch.allclose(whole, render(some, protocol, 0, chunk=2), atol=1e-6)
    quiet = render(some, protocol, 0, Corruption(noise=False))
    inside = torch.from_numpy(found["maps"][0][:, 3] > 250)
    sd = float((whole - quiet)[inside].std() / quiet[inside].mean())
    assert 0.7 < 100 * sd / protocol.noise_percent < 1.3


def test_the_bias_field_keeps_its_bounds(cohort):
    grid, protocol = cohort.extra["grid"], SITES["B"].protocol("T2")
    some = brain.to_sections(sections.person_sections(0, 0, "healthy", grid, 1.0), 0, 0, "healthy", grid)
    kept = Corruption(noise=False, ghosts=False, misalignment=False)
    flat = render(some, protocol, 0, Corruption(noise=False, ghosts=False, misalignment=False, bias=False))
    ratio = (render(some, protocol, 0, kept) / flat)[some.maps[:, 3] > 250]
    assert 1 / 1.22 < ratio.min() and ratio.max() < 1.22 and ratio.std() > 0.01


def test_the_same_options_give_the_same_cohort_from_the_cache_and_people_do_not_depend_on_number(cohort, monkeypatch):
    monkeypatch.setattr(sections, "_draw", None)  # nothing is drawn again
    assert datasets.load("brain_sites", **OPTIONS).sha256 == cohort.sha256
    few = datasets.load("brain_sites", **{**OPTIONS, "people": 1, "twins": False})
    assert np.array_equal(few.images, of(cohort, "healthy").images) and few.extra["twins"] is None


def test_volumes_are_stacks_of_the_same_heads():
    volumes = load_volumes(1, spacing_mm=8.0, lesions=("healthy",), sites=("A",), modalities=("T1", "T2"))
    assert volumes.images.shape == (1, 2, 20, 24, 20) and volumes.masks.shape == (1, 20, 24, 20)
    assert np.array_equal(volumes.images, volumes.twins)
    assert 1.2 < volumes.brain_masks.sum() * 8**3 / 1e6 < 2.6  # litres
    assert volume_grid(2.0).columns == 80 and volume_grid(2.0, (81, 96, 79)).rows == 96
    with pytest.raises(ValueError, match="held out"):
        load_volumes(1, sites=("E",))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sites": ("C",)}, "site 'C' is held out"),
        ({"lesions": ("chronic_stroke",)}, "lesion 'chronic_stroke' is held out"),
        ({"modalities": ("PD",)}, "no modality 'PD'"),
        ({"modalities": ()}, "at least one"),
        ({"people": 0}, "people is 0"),
        ({"size": 8}, "size is 8"),
        ({"slices": 0}, "slices is 0"),
        ({"pixel_mm": 20.0}, "pixel_mm is 20.0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        datasets.load("brain_sites", **options)
