"""The cells of the clusters, tiny: who is fitted on, what comes out, and what is refused."""

import json

import numpy as np
import pandas as pd
import pytest

from disentangle.metrics.consistency import consistency
from disentangle.rotation import experiment, scores
from disentangle.rotation.archive import merged, phantom_parts, roles
from disentangle.rotation.config import PRESETS
from disentangle.rotation.latents import Part
from disentangle.rotation.methods import METHODS, broken_pairs, harmonized, requirements, shuffled_settings
from disentangle.rotation.packing import unpacked
from disentangle.rotation.plan import Plan

TINY = Plan(
    autoencoder=PRESETS["smoke"],
    ks=(3, 5),
    clusterings=2,
    cluster_places=40,
    stability_places=40,
    probe_rows=200,
    probes=("linear",),
    pair_counts=(16,),
)


@pytest.fixture(scope="module")
def parts():
    return phantom_parts(18, 6, arm="confounded")


@pytest.fixture(scope="module")
def cell(parts) -> dict:
    return experiment.scored(parts, TINY, 0, cache=False)


def test_nobody_is_fitted_on_and_tested(parts):
    train, test = (set(part.samples["subject"]) for part in (parts.archive, parts.test))
    validation = set(parts.validation.samples["subject"])
    assert not train & test and not validation & (train | test)
    assert set(parts.pairs.samples["subject"]) < train
    assert set(parts.unseen.samples["subject"]) == test
    assert not set(parts.unseen.samples["setting"]) & set(parts.pairs.samples["setting"])


def test_the_archive_holds_each_person_in_their_own_setting_alone(parts):
    seen = parts.archive.samples.groupby("subject")["setting"].unique()
    assert (seen.map(len) == 1).all()
    assert (seen.str[0] == parts.archive.subjects["setting"].loc[seen.index]).all()


def test_no_image_trains_the_autoencoder_twice(parts):
    seen = pd.concat([part.samples for part in parts.training])
    assert not seen.duplicated(["location", "setting"]).any()
    assert set(seen["subject"]) == set(parts.archive.samples["subject"])


def test_people_of_all_roles_are_equally_ill():
    subjects = pd.DataFrame({"severity": np.random.default_rng(0).random(240), "pairs": np.arange(240) % 4 == 0})
    role = roles(subjects)
    assert (role[subjects["pairs"]] == "train").all()
    means = subjects["severity"][~subjects["pairs"]].groupby(role[~subjects["pairs"]]).mean()
    assert np.ptp(means) < 0.04
    with pytest.raises(ValueError, match="leave nobody for"):
        roles(subjects.iloc[:2])


def test_a_cell_has_every_method_and_fits_into_its_file(cell):
    assert list(cell["methods"]) == list(METHODS)
    people = len(cell["units"])
    for scored in cell["methods"].values():
        assert set(scored["units"]) == {"ari", "nmi", "dice", "tissue_ari", "unseen_ari"}
        assert all(len(unpacked(values)) == people for values in scored["units"].values())
        assert all(len(unpacked(values)) == 2 for values in scored["clusterings"].values())
        assert set(scored["probe"]) == {"setting", "tissue"}
    assert set(cell["archive"]) == {"combat", "coral", "leace", "zscore", "inlp"}
    assert set(cell["controls"]) == {"shuffled", "broken", "single", "heads"}
    assert cell["pairs"]["16"]["dropped"] == cell["rotation"]["dropped"]


def test_a_cell_of_forty_people_fits_into_its_file(cell):
    def grown(values: dict, clusterings: int) -> dict:
        units = {name: " ".join(["-555"] * 40) for name in values["units"]}
        return values | {
            "units": units,
            "clusterings": {name: " ".join(["555"] * clusterings) for name in values["clusterings"]},
        }

    large = dict(cell, units=[f"lung{number:03}" for number in range(40)])
    large["methods"] = {name: grown(one, 5) for name, one in cell["methods"].items()}
    large["controls"] = {name: grown(one, 1) for name, one in cell["controls"].items()}
    large["archive"] = {name: grown(one, 1) for name, one in cell["archive"].items()}
    large["pairs"] = {str(number): grown(cell["pairs"]["16"], 1) for number in range(4)}
    large["by_k"] = {str(k): cell["by_k"]["3"] for k in range(5)}
    assert len(json.dumps(large, allow_nan=False)) < 20_000


def test_packed_scores_have_the_same_mean_over_units_and_over_clusterings(cell):
    for scored in cell["methods"].values():
        for name, values in scored["units"].items():
            assert unpacked(values).mean() == pytest.approx(unpacked(scored["clusterings"][name]).mean(), abs=1e-3)


def test_consecutive_blocks_of_a_person_merge_and_keep_numbers_that_nobody_else_has():
    samples = pd.DataFrame({"subject": ["a"] * 5 + ["b"] * 2, "block": [0, 1, 2, 3, 4, 5, 6]})
    assert merged(samples, 2).tolist() == [0, 0, 0, 3, 3, 5, 6]
    assert merged(samples, 10).tolist() == samples["block"].tolist()


def planted(locations: int = 60, settings: int = 3, shift: float = 0.0) -> Part:
    rng = np.random.default_rng(0)
    tissue = rng.integers(0, 3, locations)
    latents = (
        10 * np.eye(8)[tissue][:, None]
        + shift * np.eye(8)[3 : 3 + settings]
        + rng.normal(0, 0.1, (locations, settings, 8))
    )
    samples = pd.DataFrame(
        {
            "subject": np.repeat([f"p{i % 6}" for i in range(locations)], settings),
            "location": np.repeat(np.arange(locations), settings),
            "setting": np.tile([f"s{i}" for i in range(settings)], locations),
            "tissue": np.repeat(tissue.astype(str), settings),
        }
    )
    return Part(latents.reshape(-1, 8), samples)


def test_true_tissue_scores_one_everywhere_and_the_setting_scores_nothing():
    part = planted()
    true = part.column("tissue").astype(int)
    assert (scores.unit_scores(true, part, 3) == 1).all(axis=None)
    by_setting = np.unique(part.column("setting"), return_inverse=True)[1].ravel()
    assert scores.unit_scores(by_setting, part, 3)["tissue_ari"].abs().max() < 0.1


def test_every_method_removes_most_of_a_planted_shift():
    part = planted(locations=300, shift=3.0)
    for name in METHODS:
        (found,) = harmonized(name, part, part)
        means = pd.DataFrame(found).groupby(part.column("setting")).mean().to_numpy()
        spread = np.linalg.norm(np.ptp(means, axis=0))
        assert (spread > 5) if name == "entangled" else (spread < 2.5), (name, spread)


def test_shuffled_settings_stay_at_their_location_and_broken_pairs_in_their_setting():
    part = planted()
    shuffled = shuffled_settings(part, 0)
    assert (shuffled.samples.groupby("location")["setting"].nunique() == 3).all()
    assert 0.2 < (shuffled.column("setting") == part.column("setting")).mean() < 0.5
    location = broken_pairs(part, 0)
    for name in ("s0", "s1", "s2"):
        here = part.column("setting") == name
        assert sorted(location[here]) == sorted(part.column("location")[here])
    assert (location != part.column("location")).mean() > 0.9


def test_pseudo_values_have_the_jackknife_mean_and_equal_blocks_equal_values():
    rng = np.random.default_rng(1)
    one = rng.integers(0, 3, (30, 2))
    matrix, blocks = np.vstack([one] * 4), np.repeat(np.arange(4), 30)
    table = scores.block_scores(matrix, blocks, 3)
    assert np.ptp(table.to_numpy(), axis=0).max() < 1e-12
    whole, rest = (consistency(part, 3) for part in (matrix, matrix[30:]))
    for name in table:
        assert table[name].mean() == pytest.approx(4 * whole[name] - 3 * rest[name])
    with pytest.raises(ValueError, match="1 block of places"):
        scores.block_scores(one, np.zeros(30), 3)


def test_unseen_settings_are_compared_with_the_reference():
    part = planted()
    labels = part.column("tissue").astype(int)
    unseen = Part(part.latents, part.samples.assign(setting="u" + part.samples["setting"]))
    assert (scores.unseen_ari(labels, part, labels, unseen, "s1", 3) == 1).all()
    with pytest.raises(ValueError, match="no row has the reference setting 'other'"):
        scores.unseen_ari(labels, part, labels, unseen, "other", 3)


def test_the_table_of_requirements_says_who_needs_what():
    table = requirements()
    assert list(table.index) == list(METHODS)
    assert table["needs the setting at test time?"][lambda column: column].index.tolist() == [
        "combat",
        "harmony",
        "coral",
        "zscore",
    ]
    assert table.index[~table["works on a new patient?"]].tolist() == ["harmony"]


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="no method 'magic', expected one of entangled, rotation"):
        harmonized("magic", planted(), planted())
