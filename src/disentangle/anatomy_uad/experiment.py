"""Cells of the chapter: one method and seed a call, trained on healthy people, scored on people it never saw.

Post-processing and thresholds are fixed on validation people at the training sites. Scores are whole numbers, in
units of 1 / ``UNIT``, a list with one number per person.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from disentangle.anatomy_uad import probes, scores
from disentangle.anatomy_uad.config import DALConfig, ScoreConfig
from disentangle.anatomy_uad.data import Slices, slices_of
from disentangle.anatomy_uad.detectors import Detector, detector, heights
from disentangle.anatomy_uad.people import FULL, SEEN, SEQUENCES, UNSEEN, Plan, people
from disentangle.anatomy_uad.postprocess import finished
from disentangle.anatomy_uad.real import real_people
from disentangle.anatomy_uad.scores import Scored
from disentangle.anatomy_uad.train import anatomy, modality, redrawn
from disentangle.imaging.cohort import Cohort

UNIT = 10_000
FALSE_RATE = 0.01
"""Share of healthy validation voxels above the threshold of ``dsc_fpr``."""
FILTERS = (1, 3, 5)
EROSIONS_MM = (0.0, 3.0, 6.0)
CHOSEN = ScoreConfig(median=5, erosion_mm=0.0)
"""Post-processing of all methods, chosen on validation people: see ``validation`` in the cells."""
GROUPS = {"seen": SEEN, "unseen": UNSEEN}


def configuration() -> DALConfig:
    """The one configuration of the grid."""
    return DALConfig(base=16, score=CHOSEN).with_steps(600, 840)


def people_cell() -> dict:
    """Who is tested: kind, millilitres, site and prevalence of each person; no method."""
    found = {}
    for group, sites in GROUPS.items():
        cohort = people(FULL, "test", sites)
        truth = scored(cohort, np.zeros(cohort.masks.shape, np.float32))
        found |= {
            f"site_{group}": cohort.subjects["site"].tolist(),
            f"prevalence_{group}": whole(scores.prevalences(truth), 10),
        }
    subjects = cohort.subjects
    return found | {
        "subject": subjects.index.tolist(),
        "kind": subjects["lesion"].tolist(),
        "lesion_ml": subjects["lesion_ml"].round(2).tolist(),
        "moved_mm": [round(float(cohort.extra["moved_mm"][rows].max()), 1) for _, rows in truth.people()],
        "healthy": people(FULL, "healthy", ("A",)).subjects.index.tolist(),
    }


def detection_cell(method: str, seed: int) -> dict:
    """Fit a method of `detectors.METHODS`, score the tested people at seen and unseen sites and the healthy ones."""
    return detection(detector(method, people(FULL, "training"), configuration(), seed), FULL)


def detection(found: Detector, plan: Plan) -> dict:
    """All scores of a fitted method on the people of a plan."""
    limits = {name: threshold(found, plan, name) for name in SEQUENCES}
    conditions = {
        f"{name.lower()}_{group}": tested(found, people(plan, "test", sites), name, limits[name])
        for name in SEQUENCES
        for group, sites in GROUPS.items()
    }
    return {
        "validation": {name.lower(): tuned(found, people(plan, "tuning"), name) for name in SEQUENCES},
        "threshold": {name.lower(): round(limit, 6) for name, limit in limits.items()},
        "conditions": conditions,
        "healthy": {name.lower(): false_alarms(found, plan, name, limits[name]) for name in SEQUENCES},
        "fit_seconds": round(found.fitted.fit_seconds, 1) if found.fitted else 0.0,
    }


def factors_cell(method: str, seed: int) -> dict:
    """Tissues of the two sequences against each other and the truth; site probes; how far z moves on restoration."""
    return factors(detector(method, people(FULL, "training"), configuration(), seed), FULL)


def factors(found: Detector, plan: Plan) -> dict:
    """Agreement, site probes and shift of z of a fitted method on the healthy people of a plan."""
    parts = {"validation": people(plan, "validation")}
    parts |= {site: people(plan, "healthy", (site,)) for site in (*SEEN, *UNSEEN)}
    return {
        "tissue_dice": {name: agreement(found, cohort) for name, cohort in parts.items()},
        "site": site_hits(found, [parts[site] for site in (*SEEN, *UNSEEN)]),
        "z_shift": {name.lower(): vector_shift(found, parts["validation"], name) for name in SEQUENCES},
    }


def real_cell(data: str, method: str, seed: int) -> dict:
    """A method trained on simulated brains alone, on the people of a real set: a row a person and sequence."""
    found = detector(method, people(FULL, "training"), configuration(), seed)
    rows = []
    for person in real_people(data, FULL):
        if not can_score(found, person.slices.sequence):
            continue
        maps = found.maps(person.slices, person.z_mm)
        marked = Scored(maps, person.truth, person.scored, person.slices.subject, person.pixel_mm)
        limit = threshold(found, FULL, person.slices.sequence) if person.slices.sequence in SEQUENCES else None
        rows.append(
            {
                "subject": str(person.slices.subject[0]),
                "sequence": person.slices.sequence.lower(),
                "sections": len(person.slices),
                "prevalence": whole(scores.prevalences(marked), 10)[0],
                "ap": whole(scores.average_precisions(marked))[0],
                "dsc_oracle": whole(scores.dices(marked, scores.best_threshold(marked)))[0],
                "dsc_fpr": None if limit is None else whole(scores.dices(marked, limit))[0],
            }
        )
    return {"people": rows}


def can_score(found: Detector, sequence: str) -> bool:
    """Whether a method is defined on a sequence that it did not see in training."""
    return sequence in SEQUENCES or found.name not in ("zmap", "mean_z")


def scored(cohort: Cohort, maps: np.ndarray) -> Scored:
    """Maps of a simulated cohort with its lesions; small hyperintensities of old age are not scored."""
    inside = cohort.extra["brain_masks"] & ~cohort.extra["ignore"]
    subject = cohort.samples["subject"].to_numpy()
    return Scored(maps, cohort.masks & inside, inside, subject, float(cohort.spacing_mm[0, 0]))


def threshold(found: Detector, plan: Plan, sequence: str) -> float:
    """The score that ``FALSE_RATE`` of the healthy validation people's voxels exceed."""
    healthy = people(plan, "validation")
    maps = found.maps(slices_of(healthy, sequence), heights(healthy))
    return scores.healthy_threshold(scored(healthy, maps), FALSE_RATE)


def tuned(found: Detector, cohort: Cohort, sequence: str) -> dict[str, int]:
    """Mean average precision of validation people with lesions under each post-processing."""
    slices = slices_of(cohort, sequence)
    raw = found.unfiltered(slices, heights(cohort))
    means = {}
    for median in FILTERS:
        for erosion in EROSIONS_MM:
            config = replace(found.config, median=median, erosion_mm=erosion)
            maps = finished(raw, slices.brain, slices.spacing_mm, config)
            aps = scores.average_precisions(scored(cohort, maps))
            means[f"median{median}_erosion{erosion:g}"] = whole([np.nanmean(aps)])[0]
    return means


def tested(found: Detector, cohort: Cohort, sequence: str, limit: float) -> dict:
    """All scores of the tested people in one sequence at one group of sites."""
    slices = slices_of(cohort, sequence)
    marked = scored(cohort, found.maps(slices, heights(cohort)))
    result = {
        "ap": whole(scores.average_precisions(marked)),
        "ap_pooled": whole([scores.pooled_average_precision(marked)])[0],
        "dsc_oracle": whole(scores.dices(marked, scores.best_threshold(marked))),
        "dsc_fpr": whole(scores.dices(marked, limit)),
        "found": scores.lesions_found(marked, limit),
        "displaced": displacement(found, cohort, sequence, marked),
    }
    return result if found.healthy is None else result | {"phi": healthy_errors(found, cohort, slices, marked)}


def displacement(found: Detector, cohort: Cohort, sequence: str, marked: Scored) -> dict[str, list]:
    """AUC against the lesion-free twin, each person: in displaced tissue clear of the lesion, and in the lesion."""
    moved = cohort.extra["moved_mm"]
    tissue = scores.displaced_pixels(moved, cohort.masks, marked.scored, marked.pixel_mm)
    twins = slices_of(cohort, sequence, twins=True)
    rows_of = {person: rows for person, rows in marked.people() if tissue[rows].any()}
    result: dict[str, list] = {"tissue": [], "lesion": []}
    for person, rows in marked.people():
        if person not in rows_of:
            for values in result.values():
                values.append(None)
            continue
        twin = found.maps(_rows(twins, rows), heights(cohort)[rows])
        for name, where in (("tissue", tissue), ("lesion", marked.truth)):
            value = scores.told_from_twin(marked.maps[rows], twin, where[rows])
            result[name].append(None if value is None else whole([value])[0])
    return result


def healthy_errors(found: Detector, cohort: Cohort, slices: Slices, marked: Scored) -> dict[str, list]:
    """Mean absolute differences, each person: of the healthy image from the twin in the lesion and outside it, of the
    image from the twin in the lesion (what copying costs), of the image from the healthy image in the lesion."""
    drawn = found.healthy(slices)
    twins = slices_of(cohort, slices.sequence, twins=True).images
    apart = marked.scored & ~cohort.extra["touched"]
    pairs = {
        "lesion": (drawn, twins, marked.truth),
        "healthy": (drawn, twins, apart),
        "copied": (slices.images, twins, marked.truth),
        "residual": (slices.images, drawn, marked.truth),
    }
    return {
        name: whole([_mean_apart(a[rows], b[rows], where[rows]) for _, rows in marked.people()])
        for name, (a, b, where) in pairs.items()
    }


def false_alarms(found: Detector, plan: Plan, sequence: str, limit: float) -> dict[str, dict[str, list]]:
    """By site: share of healthy people's voxels above the threshold, and false components a section in hundredths."""
    result = {}
    for site in (*SEEN, *UNSEEN):
        cohort = people(plan, "healthy", (site,))
        marked = scored(cohort, found.maps(slices_of(cohort, sequence), heights(cohort)))
        components = [round(100 * value) for value in scores.false_components(marked, limit)]
        result[site] = {"fpr": whole(scores.false_rates(marked, limit)), "components": components}
    return result


def agreement(found: Detector, cohort: Cohort) -> dict[str, dict[str, list]]:
    """Dice per tissue and person: of A(T1) with A(T2), and of each with the simulator's tissues."""
    tissues = {name: anatomy(found.fitted, slices_of(cohort, name)) for name in SEQUENCES}
    truth = np.where(cohort.extra["brain_masks"], np.clip(cohort.labels, 0, 3), 0)
    known = cohort.labels > 0
    sides = {"t1_t2": (tissues["T1"], tissues["T2"])}
    sides |= {f"{name.lower()}_truth": (np.where(known, tissues[name], 0), truth) for name in SEQUENCES}
    subject = cohort.samples["subject"].to_numpy()
    rows = [subject == person for person in cohort.subjects.index]
    result = {}
    for name, (a, b) in sides.items():
        found_of = [probes.tissue_dice(a[one], b[one]) for one in rows]
        result[name] = {tissue: whole([each[tissue] for each in found_of]) for tissue in found_of[0]}
    return result


def site_hits(found: Detector, cohorts: list[Cohort]) -> dict[str, dict[str, list]]:
    """By what is probed and sequence: share of each head's sections whose site is named; chance is 1 / sites."""
    subject = np.concatenate([cohort.samples["subject"] for cohort in cohorts])
    sites = np.concatenate([cohort.samples["site"] for cohort in cohorts])
    result: dict[str, dict[str, list]] = {"anatomy": {}, "z": {}, "image": {}}
    for name in SEQUENCES:
        parts = [slices_of(cohort, name) for cohort in cohorts]
        features = {
            "anatomy": [probes.tissue_features(anatomy(found.fitted, part)) for part in parts],
            "z": [modality(found.fitted, part) for part in parts],
            "image": [probes.pooled(part.images) for part in parts],
        }
        for what, values in features.items():
            right = probes.hits(np.concatenate(values), sites, subject)
            result[what][name.lower()] = whole([right[subject == one].mean() for one in np.unique(subject)])
    return result


def vector_shift(found: Detector, cohort: Cohort, sequence: str) -> dict[str, float]:
    """Mean distance of z before and after restoration, and of two people's z of the same sequence and height."""
    slices = slices_of(cohort, sequence)
    before = modality(found.fitted, slices)
    after = modality(found.fitted, redrawn(slices, found.healthy(slices)))
    subject, z_mm = slices.subject, heights(cohort)
    other = (subject[:, None] != subject) & (z_mm[:, None] == z_mm)
    apart = np.linalg.norm(before[:, None] - before, axis=2)[other].mean()
    moved = np.linalg.norm(after - before, axis=1).mean()
    return {"moved": round(float(moved), 4), "between_people": round(float(apart), 4)}


def whole(values: list[float], finer: int = 1) -> list[int | None]:
    """Numbers in whole units of 1 / (``UNIT`` * ``finer``); None for NaN."""
    return [None if np.isnan(value) else round(float(value) * UNIT * finer) for value in values]


def _mean_apart(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    return float(np.abs(one - other)[where].mean()) if where.any() else float("nan")


def _rows(slices: Slices, rows: np.ndarray) -> Slices:
    parts = {name: getattr(slices, name)[rows] for name in ("images", "brain", "spacing_mm", "subject")}
    return replace(slices, **parts)
