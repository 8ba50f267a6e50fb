"""The rotation on planted linear models, where the technical subspace is known, and on rows that do not fit."""

import time
import warnings

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from scipy.spatial.distance import pdist

from disentangle.rotation.differences import PairWarning, ordered_differences, pair_table, unshared
from disentangle.rotation.latent_rotation import LatentRotation

BIOLOGY, DIMENSIONS = 6, 24


def planted(
    settings: int = 4, locations: int = 2000, effect: float = 1.0, noise: float = 0.3, seed: int = 0
) -> dict[str, np.ndarray]:
    """z = B y + T s + noise with orthonormal B and T; settings are corners of a simplex, ``effect`` from its centre."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.standard_normal((DIMENSIONS, DIMENSIONS)))[0]
    b, t = axes[:, :BIOLOGY], axes[:, BIOLOGY : BIOLOGY + settings - 1]
    corners = np.linalg.svd(np.eye(settings) - 1 / settings)[0][:, : settings - 1] * effect
    y = rng.standard_normal((locations, BIOLOGY)) * np.linspace(2, 0.7, BIOLOGY)
    z = (y @ b.T)[:, None] + corners @ t.T + noise * rng.standard_normal((locations, settings, DIMENSIONS))
    return {
        "latents": z.reshape(-1, DIMENSIONS),
        "setting": np.tile([f"s{i}" for i in range(settings)], locations),
        "location": np.repeat(np.arange(locations), settings),
        "technical": t,
        "biology": np.repeat(y, settings, axis=0),
    }


def fitted(data: dict[str, np.ndarray], **options: object) -> LatentRotation:
    return LatentRotation(**options).fit(data["latents"], data["setting"], data["location"])


def explained(features: np.ndarray, target: np.ndarray) -> float:
    """R^2 of least squares."""
    features = np.column_stack([features, np.ones(len(features))])
    left = target - features @ np.linalg.lstsq(features, target, rcond=None)[0]
    return 1 - left.var(0).sum() / target.var(0).sum()


@pytest.fixture(scope="module")
def data() -> dict[str, np.ndarray]:
    return planted()


@pytest.fixture(scope="module")
def rotation(data) -> LatentRotation:
    return fitted(data)


def test_it_is_a_proper_rotation_that_keeps_distances(rotation, data):
    r = rotation.rotation_
    assert np.abs(r @ r.T - np.eye(DIMENSIONS)).max() < 1e-10
    assert np.linalg.det(r) == pytest.approx(1, abs=1e-10)
    some = data["latents"][:50]
    turned = np.hstack([rotation.technical(some), rotation.transform(some)])
    assert np.allclose(pdist(turned), pdist(some), atol=1e-9)


def test_a_planted_technical_subspace_is_recovered_within_5_degrees(rotation, data):
    assert rotation.dropped_ == 3
    angles = np.degrees(subspace_angles(rotation.rotation_[:3].T, data["technical"]))
    assert angles.max() < 5
    assert rotation.shift_angle_ < 1


def test_afterwards_a_probe_is_at_chance_and_biology_is_all_there(rotation, data):
    curve = rotation.curve_.set_index("dropped")
    assert curve.loc[0, "setting_accuracy"] > 0.9
    assert curve.loc[3, "setting_accuracy"] == pytest.approx(0.25, abs=0.04)
    before = explained(data["latents"], data["biology"])
    assert explained(rotation.transform(data["latents"]), data["biology"]) == pytest.approx(before, abs=1e-3)
    assert curve.loc[3, "same_location"] > curve.loc[0, "same_location"]
    assert curve["energy"].is_monotonic_increasing and curve["kept"].is_monotonic_decreasing


def test_a_weak_penalty_finds_what_separates_instead_of_the_shift():
    """Digest 9.1: noise that leans on the shift turns unpenalised weights away from it."""
    data = planted(settings=2, noise=0.1, effect=0.5)
    rng = np.random.default_rng(1)
    side = np.linalg.svd(data["technical"].T)[2][5]
    lean = data["technical"][:, 0] + side
    data["latents"] = data["latents"] + 0.4 * rng.standard_normal((len(data["latents"]), 1)) * lean
    strong, weak = (
        np.degrees(subspace_angles(fitted(data, l2=l2, dropped=1).rotation_[:1].T, data["technical"])).max()
        for l2 in (10.0, 1e-3)
    )
    assert strong < 10 and weak > 3 * strong


def test_paired_differences_keep_biology_that_a_classifier_of_single_latents_removes():
    """Confounded with severity, the setting of single latents predicts biology too; differences hold none of it."""
    data = planted(settings=2)
    severity = data["biology"][:, 0]
    rng = np.random.default_rng(3)
    sick = severity + rng.standard_normal(len(severity)) > 0
    own = np.where(sick, "s1", "s0") == data["setting"]
    kept = {}
    for mode in ("pairs", "single"):
        if mode == "pairs":
            model = fitted(data)
        else:
            model = LatentRotation(mode="single", dropped=1).fit(data["latents"][own], data["setting"][own])
        kept[mode] = explained(model.transform(data["latents"]), severity[:, None])
    before = explained(data["latents"], severity[:, None])
    assert kept["pairs"] > before - 0.01
    assert kept["single"] < kept["pairs"] - 0.3


def test_shuffled_pair_labels_gain_nothing(data, rotation):
    rng = np.random.default_rng(0)
    setting = rng.permuted(data["setting"].reshape(-1, 4), axis=1).ravel()
    model = LatentRotation().fit(data["latents"], setting, data["location"])
    assert model.dropped_ == 0
    some = data["latents"][:50]
    assert np.allclose(pdist(model.transform(some)), pdist(some))
    assert model.singular_values_[0] < 0.1 * rotation.singular_values_[0]
    assert model.singular_values_[2] > 0.2 * model.singular_values_[0]


@pytest.mark.parametrize("noise", [0.3, 0.0])
def test_without_a_technical_effect_nothing_is_dropped(noise):
    data = planted(locations=800, effect=0.0, noise=noise)
    model = fitted(data)
    assert model.dropped_ == 0
    assert model.technical(data["latents"]).shape == (3200, 0)
    assert model.transform(data["latents"]).shape == (3200, DIMENSIONS)
    assert model.technical_means_.shape == (4, 0)


def test_two_settings_have_one_technical_direction():
    model = fitted(planted(settings=2, locations=500))
    assert model.dropped_ == 1 and len(model.singular_values_) == 1


def test_three_settings_have_two_significant_singular_values():
    values = fitted(planted(settings=3, locations=800)).singular_values_
    assert values[1] > 0.5 * values[0] and values[2] < 0.05 * values[0]


def test_a_further_round_takes_what_the_energy_rule_left():
    """The second shift holds less than 1 % of the energy, and a probe reads it all the same."""
    data = planted(settings=3, locations=800, noise=0.02)
    t = data["technical"]
    second = np.outer(data["latents"] @ t[:, 1], t[:, 1])
    data["latents"] = data["latents"] - 0.93 * second + 1e-3 * np.random.default_rng(0).standard_normal(second.shape)
    one, three = fitted(data), fitted(data, max_rounds=3)
    assert (one.dropped_, three.dropped_) == (1, 2)
    assert one.curve_.set_index("dropped").loc[1, "setting_accuracy"] > 0.5
    assert np.degrees(subspace_angles(three.rotation_[:2].T, t)).max() < 5
    assert three.curve_["round"].max() == 1


def test_heads_find_the_directions_of_two_factors():
    data = planted(settings=4)
    factors = {
        "s0": {"kernel": "soft", "slice_mm": 1.0, "maker": "one"},
        "s1": {"kernel": "soft", "slice_mm": 3.0, "maker": "one"},
        "s2": {"kernel": "sharp", "slice_mm": 1.0, "maker": "one"},
        "s3": {"kernel": "sharp", "slice_mm": 3.0, "maker": "one"},
    }
    model = LatentRotation(mode="heads")
    model.fit(data["latents"], data["setting"], data["location"], factors=factors)
    means = model.technical_means_
    assert model.dropped_ == 2
    assert np.degrees(subspace_angles(model.rotation_[:2].T, data["technical"])).max() < 5
    thickness = (means.loc[["s1", "s3"]].mean() - means.loc[["s0", "s2"]].mean()).to_numpy()
    kernel = (means.loc[["s2", "s3"]].mean() - means.loc[["s0", "s1"]].mean()).to_numpy()
    assert abs(thickness @ kernel) < 0.1 * np.linalg.norm(thickness) * np.linalg.norm(kernel)
    with pytest.raises(ValueError, match=r"factors lack \['s3'\]"):
        model.fit(
            data["latents"], data["setting"], data["location"], factors={k: factors[k] for k in ("s0", "s1", "s2")}
        )
    with pytest.raises(ValueError, match="needs factors"):
        model.fit(data["latents"], data["setting"], data["location"])


def test_a_fixed_number_is_obeyed_or_refused():
    data = planted(locations=300)
    assert fitted(data, dropped=2).dropped_ == 2
    with pytest.raises(ValueError, match="dropped is 30, but the classifier's weights span"):
        fitted(data, dropped=30)


def test_the_inverse_returns_the_latents(rotation, data):
    some = data["latents"][:40].astype(np.float32)
    back = rotation.inverse(rotation.technical(some), rotation.transform(some))
    assert back.dtype == np.float32 and np.allclose(back, some, atol=1e-5)
    clean = rotation.inverse(None, rotation.transform(some))
    assert np.allclose(rotation.technical(clean), 0, atol=1e-5)


def test_a_swap_moves_the_technical_coordinates_alone(rotation, data):
    some, donors = data["latents"][0:40:4], data["latents"][101:141:4]
    swapped = rotation.swap(some, donors)
    assert np.allclose(rotation.technical(swapped), rotation.technical(donors))
    assert np.allclose(rotation.transform(swapped), rotation.transform(some))
    styled = rotation.inverse(rotation.technical_means_.loc["s2"], rotation.transform(some))
    assert np.allclose(rotation.technical(styled), rotation.technical_means_.loc["s2"])


@pytest.mark.parametrize("effect", [1.0, 0.0])
def test_a_saved_rotation_comes_back_to_the_last_bit(tmp_path, data, rotation, effect):
    model = rotation if effect else fitted(planted(locations=200, effect=0.0))
    model.save(tmp_path / "rotation.npz")
    again = LatentRotation.load(tmp_path / "rotation.npz")
    assert again.get_params() == model.get_params() and again.dropped_ == model.dropped_
    assert np.array_equal(again.transform(data["latents"]), model.transform(data["latents"]))
    for name in ("rotation_", "mean_", "singular_values_"):
        assert np.array_equal(getattr(again, name), getattr(model, name))
    assert again.curve_.equals(model.curve_)
    assert np.array_equal(again.technical_means_, model.technical_means_)


def test_equal_fits_are_equal_and_rows_may_come_in_any_order(data, rotation):
    order = np.random.default_rng(0).permutation(len(data["latents"]))
    few = planted(locations=200)
    assert np.array_equal(fitted(few).rotation_, fitted(few).rotation_)
    shuffled = fitted({name: values[order] for name, values in data.items() if name != "technical"})
    assert np.degrees(subspace_angles(shuffled.rotation_[:3].T, rotation.rotation_[:3].T)).max() < 0.01


def test_people_are_held_out_whole(data):
    subject = data["location"] // 100
    model = LatentRotation().fit(data["latents"], data["setting"], data["location"], subject=subject)
    assert model.dropped_ == 3
    with pytest.raises(ValueError, match="of 2 different subjects, expected at least 4"):
        LatentRotation().fit(data["latents"], data["setting"], data["location"], subject=subject // 10)


def test_a_location_without_some_setting_still_counts():
    data = planted(settings=3, locations=1000)
    keep = ~((data["setting"] == "s2") & (data["location"] < 600))
    model = LatentRotation().fit(data["latents"][keep], data["setting"][keep], data["location"][keep])
    assert model.dropped_ == 2
    assert np.degrees(subspace_angles(model.rotation_[:2].T, data["technical"])).max() < 5


def test_a_constant_dimension_is_never_technical(data):
    latents = np.column_stack([data["latents"], np.full(len(data["latents"]), 7.0)])
    model = LatentRotation().fit(latents, data["setting"], data["location"])
    assert model.dropped_ == 3 and np.abs(model.rotation_[:3, -1]).max() < 1e-9
    assert np.isfinite(model.transform(latents)).all()


def test_misaligned_pairs_are_noticed(data):
    """Half of the rows moved on by one location: a warning with the number; aligned rows give none."""
    latents = data["latents"].reshape(-1, 4, DIMENSIONS).copy()
    latents[:, 1] = np.roll(latents[:, 1], 1, axis=0)
    latents[:, 3] = np.roll(latents[:, 3], 2, axis=0)
    table = pair_table(data["setting"], data["location"])
    assert unshared(data["latents"], table) < 0.3
    with pytest.warns(PairWarning, match="may be misaligned"):
        LatentRotation().fit(latents.reshape(-1, DIMENSIONS), data["setting"], data["location"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted(data)


def test_differences_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    latents = rng.standard_normal((7, 3))
    setting, location = np.array(list("abcabac")), np.array([1, 1, 1, 2, 2, 3, 3])
    found = ordered_differences(latents, pair_table(setting, location))
    rows = {
        (int(i), a, b): value
        for i, a, b, value in zip(found.place, found.first, found.second, found.values, strict=True)
    }
    expected = {
        (int(location[i]) - 1, "abc".index(setting[i]), "abc".index(setting[j])): latents[i] - latents[j]
        for i in range(7)
        for j in range(7)
        if i != j and location[i] == location[j]
    }
    assert rows.keys() == expected.keys()
    assert all(np.allclose(rows[key], expected[key]) for key in rows)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"setting": np.full(8, "s0")}, "'s0' in every row, technical differences need at least two settings"),
        ({"setting": np.array(["a", "b"] * 3)}, r"setting has the shape \(6,\) but latents have 8 rows"),
        ({"location": np.arange(7)}, r"location has the shape \(7,\) but latents have 8 rows"),
        ({"location": np.array([0, 0, 1, 1, 2, 2, 2, 2])}, "location 2 has 2 rows of setting 'a', expected one"),
        ({"location": np.arange(8)}, "'a', 'b' shares no location with another setting"),
        ({"location": np.array([0, 0, 1, 1, 2, 2, 3, np.nan])}, "location: 1 values are missing, the first in row 7"),
        ({"location": None}, "location is None"),
        ({"latents": np.ones((8, 3))}, "constant in all 3 dimensions"),
        ({"latents": np.ones(8)}, r"latents have the shape \(8,\)"),
        ({"latents": np.where(np.arange(24).reshape(8, 3) == 7, np.nan, 1.0)}, "1 rows hold NaN or infinity.* row 2"),
    ],
)
def test_rows_that_do_not_fit_are_refused_with_what_was_found(change, message):
    rng = np.random.default_rng(0)
    rows = {
        "latents": rng.standard_normal((8, 3)),
        "setting": np.array(["a", "b"] * 4),
        "location": np.repeat(np.arange(4), 2),
    }
    with pytest.raises(ValueError, match=message):
        LatentRotation().fit(**(rows | change))


def test_other_dimensions_and_options_are_refused(rotation, data):
    with pytest.raises(ValueError, match="latents have 5 dimensions, expected 24 as in the fit"):
        rotation.transform(np.zeros((3, 5)))
    with pytest.raises(ValueError, match="NaN"):
        rotation.transform(np.full((3, 24), np.nan))
    for options, message in (({"mode": "pair"}, "mode is 'pair'"), ({"l2": 0}, "l2 0"), ({"energy": 2}, "energy 2")):
        with pytest.raises(ValueError, match=message):
            fitted(data, **options)


def test_a_hundred_thousand_latents_of_128_dimensions_take_no_time():
    """A tenth of the million that two cores have to turn in 10 s."""
    rng = np.random.default_rng(0)
    model = LatentRotation()
    model.rotation_ = np.linalg.qr(rng.standard_normal((128, 128)))[0]
    model.mean_, model.dropped_ = rng.standard_normal(128), 3
    latents = rng.standard_normal((100_000, 128), dtype=np.float32)
    began = time.process_time()
    turned = model.transform(latents)
    assert time.process_time() - began < 2
    assert turned.shape == (100_000, 125) and turned.dtype == np.float32
    assert np.allclose(turned[:10], (latents[:10] - model.mean_) @ model.rotation_[3:].T, atol=1e-4)
