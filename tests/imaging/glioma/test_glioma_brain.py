"""The cohort ``brain``: contrasts, the static mapping, labels, rare anatomy, grids, determinism, refusals."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from disentangle.imaging import datasets
from disentangle.imaging.brain import warp
from disentangle.imaging.brain.subject import draw_head
from disentangle.imaging.glioma import heads, mr, relaxation, tumour
from disentangle.imaging.glioma.tumour import draw_glioma

PURE = {"jitter": 0.0, "noise_percent": 0.0, "bias": 0.0, "texture": 0.0, "scaling": "static"}
PEOPLE = 6


@pytest.fixture(scope="module")
def cohort():
    return datasets.load("brain", people=PEOPLE)


def level(cohort, modality, part):
    """Median grey value of voxels that are mostly of a part."""
    rows = cohort.extra["tissues"] == 1 + cohort.extra["tissue_names"].index(part)
    return float(np.median(cohort.images[:, cohort.extra["modalities"].index(modality)][rows]))


def test_one_volume_a_person_with_all_that_is_known(cohort):
    assert cohort.images.shape == (PEOPLE, 4, 32, 32, 32) and cohort.images.dtype == np.float32
    assert cohort.extra["modalities"] == ("T1", "T1ce", "T2", "FLAIR") and not cohort.real
    assert cohort.images.min() == 0 and cohort.images.max() == 1 and np.allclose(cohort.spacing_mm, 6.5)
    assert list(cohort.subjects["person"]) == list(range(PEOPLE)) and cohort.people == PEOPLE


def test_signals_at_3_t_are_those_of_the_digest():
    found = dict(zip(relaxation.MODALITIES, relaxation.signals(torch.tensor([0]), 0, 3.0, 0.0)[0], strict=True))
    names = ("gm", "wm", "csf", "oedema", "necrosis")
    at = [heads.PARTS.index(name) for name in names]
    table = {
        "T1": (0.269, 0.315, 0.138, 0.271, 0.198),
        "T1ce": (0.290, 0.320, 0.138, 0.301, 0.258),
        "T2": (0.291, 0.184, 0.611, 0.374, 0.528),
        "FLAIR": (0.181, 0.143, 0.0, 0.229, 0.167),
    }
    for modality, expected in table.items():
        assert np.allclose(found[modality][at], expected, atol=2e-3), modality


def test_contrast_agent_shortens_t1_of_tumour_as_measured_in_patients():
    t1, _, _, uptake = relaxation.table(3.0)
    at = heads.PARTS.index("enhancing")
    drop = float(t1[at] - 1 / (1 / t1[at] + 4.97 * uptake[at] / 1000))
    assert abs(drop - 838) < 210  # qT1 of 33 people with glioblastoma (digest 12.3)


def test_contrasts_have_the_known_order(cohort):
    assert level(cohort, "T1", "wm") > level(cohort, "T1", "gm") > level(cohort, "T1", "csf")
    assert level(cohort, "T2", "csf") > level(cohort, "T2", "oedema") > level(cohort, "T2", "wm")
    assert level(cohort, "T2", "gm") > level(cohort, "T2", "wm")
    assert level(cohort, "FLAIR", "oedema") > level(cohort, "FLAIR", "gm") > level(cohort, "FLAIR", "csf")
    others = ("csf", "gm", "wm", "necrosis", "oedema")
    assert level(cohort, "T1ce", "enhancing") > 0.2 + max(level(cohort, "T1ce", other) for other in others)
    assert level(cohort, "T1", "enhancing") < level(cohort, "T1", "wm")


def test_without_jitter_the_map_from_tissue_to_grey_value_is_static_and_exact():
    cohort = datasets.load("brain", people=3, **PURE)
    assert np.ptp(cohort.extra["signals"], axis=0).max() == 0
    levels, scale = cohort.extra["signals"][0], torch.tensor(mr.STATIC[3.0]).numpy()
    for person in range(3):
        maps = heads.person_volumes(person, 0, 32)["maps"].astype(np.float64) / 255
        grey = (np.tensordot(levels, maps, 1) - scale[:, :1, None, None]) / (
            6 * 1.4826 * scale[:, 1:, None, None]
        ) + 0.5
        expected = np.clip(grey, 0, 1) * cohort.extra["brain_masks"][person]
        assert np.abs(cohort.images[person] - expected).max() <= 0.5 / 4095 + 1e-6


def test_jitter_spreads_relaxation_by_its_percentage_and_turns_the_same_way():
    people = torch.arange(2000)
    fixed = relaxation.table(3.0)
    ten, four = (relaxation.personal(people, 0, 3.0, jitter) / fixed[:, None] - 1 for jitter in (10.0, 4.0))
    assert np.allclose(ten[0].std(dim=0), 0.10, atol=0.01) and np.allclose(ten[2].std(dim=0), 0.04, atol=0.004)
    assert torch.allclose(four[0], 0.4 * ten[0], atol=1e-5)
    some = datasets.load("brain", people=3, jitter=10.0)
    assert np.ptp(some.extra["signals"], axis=0).min(axis=1).max() > 0


def test_the_other_field_is_another_map_of_the_same_head(cohort):
    low = datasets.load("brain", people=2, field_t=1.5)
    assert np.array_equal(low.labels, cohort.labels[:2]) and not np.array_equal(low.images, cohort.images[:2])
    both = datasets.load("brain", people=2, field_t=(3.0, 1.5))
    assert list(both.subjects["field_t"]) == [3.0, 1.5]
    assert np.array_equal(both.images[0], cohort.images[0]) and np.array_equal(both.images[1], low.images[1])


def test_labels_lie_inside_the_brain_and_have_their_volume(cohort):
    brain = cohort.extra["brain_masks"]
    assert not (cohort.masks & ~brain).any() and (cohort.images.max(axis=1)[~brain] == 0).all()
    assert np.array_equal(cohort.masks, cohort.labels > 0) and set(np.unique(cohort.labels)) <= {0, 1, 2, 3}
    ml = cohort.masks.sum(axis=(1, 2, 3)) * 6.5**3 / 1000
    assert np.allclose(ml, cohort.subjects["tumour_ml"], rtol=0.25, atol=4)
    litres = brain.sum(axis=(1, 2, 3)) * 6.5**3 / 1e6
    assert (litres > 1.3).all() and (litres < 2.4).all()  # the template's mask is generous: 1.88


def test_rare_anatomy_is_marked_and_can_be_kept_for_the_test(cohort):
    rare = datasets.load("brain", people=1, anatomy="rare")
    usual = datasets.load("brain", people=5, anatomy="usual")
    assert list(rare.subjects["person"]) == [5] and list(usual.subjects["person"]) == [0, 1, 2, 3, 4]
    assert np.array_equal(rare.images[0], cohort.images[5]) and np.array_equal(usual.images, cohort.images[:5])
    assert rare.subjects[["several_foci", "rare"]].to_numpy().all() and not usual.subjects["rare"].any()
    assert usual.subjects["enhancing"].all() and (usual.subjects["foci"] == 1).all()
    assert ndimage.label(ndimage.binary_dilation(rare.labels[0] == 3))[1] > 1


def test_each_kind_of_rare_anatomy_occurs_and_most_people_are_usual():
    aged = np.random.default_rng(0).uniform(0, 1, 4000)
    factors = (0.8 + 0.9 * aged) * np.exp(0.22 * np.random.default_rng(1).normal(size=4000))
    large = (factors > heads.LARGE_VENTRICLES).mean()
    usual = (1 - large) * (1 - tumour.NO_ENHANCING) * (1 - tumour.SEVERAL_FOCI)
    assert 0.08 < large < 0.2 and 0.6 < usual < 0.7
    assert draw_head(14, 0).ventricle_factor > heads.LARGE_VENTRICLES


def test_a_tumour_without_enhancement_has_no_label_3():
    found = heads.person_volumes(21, 0, 16)
    assert float(found["enhancing"]) == 0 == float(found["enhancing_ml"]) and float(found["net_ml"]) > 5
    labels = heads.labels_of(found["maps"])
    assert not (labels == 3).any() and (labels == 1).any()


def test_the_mass_effect_never_folds_a_brain():
    for number in (1, 3):
        push = draw_glioma(draw_head(number, 0)).head.push
        determinant = warp.jacobian(push)
        assert 0.05 < float(determinant.min()) and float(determinant.max()) < 8
        assert 1 < float(push.norm(dim=0).max()) < 12.5


def test_a_person_looks_the_same_however_many_are_loaded_and_nothing_is_drawn_twice(cohort, monkeypatch):
    monkeypatch.setattr(heads, "_draw", None)
    few = datasets.load("brain", people=2)
    assert np.array_equal(few.images, cohort.images[:2]) and few.subjects.equals(cohort.subjects.iloc[:2])
    assert datasets.load("brain", people=PEOPLE).sha256 == cohort.sha256


def test_other_sides_show_the_same_head():
    coarse, fine = (datasets.load("brain", people=1, side=side, **PURE) for side in (16, 32))
    shares = [heads.person_volumes(0, 0, side)["maps"].astype(float) / 255 for side in (16, 32)]
    pooled = shares[1].reshape(8, 16, 2, 16, 2, 16, 2).mean(axis=(2, 4, 6))
    assert np.abs(pooled - shares[0]).mean() < 0.01
    assert np.allclose(coarse.spacing_mm, 13) and np.allclose(fine.spacing_mm, 6.5)


def test_select_takes_people_with_their_masks_and_signals(cohort):
    some = cohort.select(np.array([4, 1]))
    for part in ("brain_masks", "tissues", "signals"):
        assert np.array_equal(some.extra[part], cohort.extra[part][[4, 1]])
    assert list(some.subjects["person"]) == [4, 1]


def test_noise_and_bias_have_the_stated_size():
    options = {**PURE, "people": 1, "side": 32}
    clean, loud = (datasets.load("brain", **{**options, "noise_percent": n}) for n in (0.0, 2.0))
    levels, scale = clean.extra["signals"][0, 0], mr.STATIC[3.0][0]
    white = heads.person_volumes(0, 0, 32)["maps"][3] > 240
    sd = float((loud.images - clean.images)[0, 0][white].std()) * 6 * 1.4826 * scale[1]
    assert 0.7 < 100 * sd / levels[heads.PARTS.index("wm")] / 2 < 1.3
    field = mr.bias_field(mr.keys(0, 0, 3.0), 32, 0.1)
    assert 1 / 1.1 <= float(field.min()) and float(field.max()) <= 1.1 and float(field.std()) > 0.01


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"people": 0}, "people is 0"),
        ({"side": 8}, "side is 8"),
        ({"jitter": -1.0}, "jitter is -1.0"),
        ({"field_t": 7.0}, "field_t is 7.0"),
        ({"anatomy": "odd"}, "anatomy is 'odd', expected one of all, usual, rare"),
        ({"scaling": "z"}, "scaling is 'z'"),
        ({"noise_percent": 30.0}, "noise_percent is 30.0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        datasets.load("brain", **{"people": 1, "side": 16, **options})
