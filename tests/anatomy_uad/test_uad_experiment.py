"""The cells on drawn heads: what they hold, and that bright spots on T2 are found, displacement is not."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from drawn_heads import drawn_heads

from disentangle.anatomy_uad import evaluate, experiment
from disentangle.anatomy_uad.detectors import METHODS, detector
from disentangle.anatomy_uad.people import FULL, SEEDS, people
from disentangle.imaging import datasets
from disentangle.imaging.brain.cohort import PROVENANCE, BrainCohort
from disentangle.runs.compute import scores_as_json

SPOT = (slice(18, 24), slice(30, 36))


def drawn_cohort(count: int = 4, seed: int = 0, lesion: bool = False, site: str = "A") -> BrainCohort:
    pairs, tissues = drawn_heads(count, seed=seed)
    twins = np.stack([pairs.first.images, pairs.second.images], 1)
    images, masks = twins.copy(), np.zeros(tissues.shape, bool)
    if lesion:
        masks[(slice(None), *SPOT)] = tissues[(slice(None), *SPOT)] > 0
        images[:, 1][masks] = 1.0
    moved = np.where(np.arange(tissues.shape[2]) < 16, 5.0, 0.0) * np.ones(tissues.shape)
    subject, extra = pairs.first.subject, {"modalities": ("T1", "T2"), "twins": twins, "touched": masks}
    extra |= {"brain_masks": tissues > 0, "ignore": np.zeros_like(masks), "moved_mm": moved * lesion}
    names = list(dict.fromkeys(subject))
    kind = "glioma" if lesion else "healthy"
    return BrainCohort(
        name="brain_sites",
        images=images,
        samples=pd.DataFrame({"subject": subject, "site": site, "z_mm": np.tile([0.0, 10.0], count)}),
        subjects=pd.DataFrame({"site": site, "lesion": kind, "lesion_ml": 1.0}, index=names),
        spacing_mm=np.full((len(images), 2), 2.0, np.float32),
        provenance=PROVENANCE,
        masks=masks,
        labels=tissues,
        extra=extra,
    )


@pytest.fixture
def drawn_people(monkeypatch):
    """Every part of the plan is drawn: the third seed for the tested people, sites change the name alone."""

    def fake(plan, part, sites=("A", "B", "D")):
        lesion = part in ("tuning", "test")
        return drawn_cohort(4, seed=SEEDS[part], lesion=lesion, site=sites[0])

    monkeypatch.setattr(experiment, "people", fake)
    return fake


def test_the_threshold_finds_bright_spots_and_not_what_is_only_moved(drawn_people, small):
    config = replace(small, score=replace(small.score, erosion_mm=0.0))
    found = experiment.detection(detector("threshold", drawn_people(FULL, "training"), config, 0), FULL)
    t2 = found["conditions"]["t2_seen"]
    assert min(t2["ap"]) > 2000 and t2["ap"] == found["conditions"]["t2_unseen"]["ap"]
    assert set(t2["displaced"]["tissue"]) == {5000} and min(t2["displaced"]["lesion"]) > 8000
    assert len(found["healthy"]["t2"]["C"]["fpr"]) == 4 and "phi" not in t2


def test_the_methods_cell_fits_a_file_and_becomes_a_table(drawn_people, fitted, small, monkeypatch):
    """Fitted once in the suite; the detector is the trained one behind the same face."""
    monkeypatch.setattr("disentangle.anatomy_uad.detectors.fit", lambda *rest, **more: fitted)
    own = detector("dal", drawn_people(FULL, "training"), fitted.config, 0)
    scores = experiment.detection(own, FULL)
    assert json.loads(scores_as_json(scores)) == scores
    done = [{"cell": "dal_seed0", "parameters": {"method": "dal", "seed": 0}, "scores": scores}]
    table = evaluate.people_table(done)
    assert len(table) == 16 and table[["ap", "dsc_oracle", "phi_lesion"]].notna().all().all()
    assert table["ap"].between(0, 1).all()
    copied = table[table["condition"] == "t2_seen"]["phi_copied"].mean()
    pairs, _ = drawn_heads(4, seed=SEEDS["test"])
    twins = pairs.second.images[(slice(None), *SPOT)]
    assert copied == pytest.approx(1 - twins.mean(), abs=0.01)
    factors = experiment.factors(own, FULL)
    assert set(factors["site"]) == {"anatomy", "z", "image"} and len(factors["site"]["z"]["t1"]) == 4
    agreements = evaluate.agreement_table([{"parameters": {"method": "dal", "seed": 0}, "scores": factors}])
    assert agreements["dice"].mean() > 0.6
    scores_as_json(factors)


def test_heads_of_different_parts_have_different_seeds_and_unknown_parts_are_refused():
    assert len(set(SEEDS.values())) == len(SEEDS)
    with pytest.raises(ValueError, match="no part 'tests'"):
        people(FULL, "tests")


def test_an_unknown_method_is_refused(heads, small):
    assert len(set(METHODS)) == len(METHODS)
    with pytest.raises(ValueError, match="no method 'vae'"):
        detector("vae", heads[0], small, 0)


def test_the_grid_names_functions_that_exist_and_the_method_comes_first():
    from disentangle.anatomy_uad.grids import anatomy_uad
    from disentangle.runs.checksums import load_function

    cells = anatomy_uad()
    assert len({cell.name for cell in cells}) == len(cells) and [c.name for c in cells[:2]] == ["people", "dal_seed0"]
    assert all(callable(load_function(cell.function)) for cell in cells)
    assert all(datasets.entry(name) for cell in cells for name in cell.data)
    assert all(c.parameters["method"] in METHODS for c in cells if "method" in c.parameters)
