"""Scores by person, retrieval and its controls: perfect, constant and shuffled input, and numbers by hand."""

import json

import numpy as np
import pytest
from heads_of_people import drawn_people

from disentangle.metrics.volume_quality import psnr
from disentangle.puir.baselines import copy_source
from disentangle.puir.retrieval import inside_all, representations, retrieved, to_common_frame
from disentangle.puir.scores import pair_scores, region_psnr, transfer_scores

NAMES = ("t1", "t1ce", "t2", "flair")
IMAGES, LABELS = drawn_people(5)
REGIONS = [{"volume": None, "brain": labels > 0, "tumour": labels == 3, "enhancing": labels == 9} for labels in LABELS]


def drawn_twice(images):
    return np.repeat(images[:, None], images.shape[1], axis=1)


def test_perfect_drawings_have_no_error_and_copies_have_theirs():
    perfect = transfer_scores(IMAGES, drawn_twice(IMAGES), REGIONS, list("abcde"), NAMES)["people"]
    assert set(perfect["brain.nmse"]) == {0} and set(perfect["brain.psnr"]) == {None}
    copied = transfer_scores(IMAGES, copy_source(IMAGES, NAMES), REGIONS, list("abcde"), NAMES)
    by_hand = np.mean([psnr(IMAGES[2, t], IMAGES[2, s], LABELS[2] > 0) for s in range(4) for t in range(4) if s != t])
    assert copied["people"]["brain.psnr"][2] == pytest.approx(by_hand, abs=1e-3)
    assert copied["people"]["psnr_own"] == [None] * 5
    assert copied["people"]["subject"] == list("abcde")


def test_pairs_are_means_over_people_and_directions_differ_only_by_name():
    pairs = transfer_scores(IMAGES, copy_source(IMAGES, NAMES), REGIONS, list("abcde"), NAMES)["pairs"]
    one = np.mean([psnr(i[1], i[0], r["tumour"]) for i, r in zip(IMAGES, REGIONS, strict=True)])
    assert pairs["t1>t1ce"][2] == pytest.approx(one, abs=0.01)
    assert pairs["t1>t1ce"] == pairs["t1ce>t1"]


def test_nobody_has_an_enhancing_part_and_scores_are_json():
    scores = transfer_scores(IMAGES, copy_source(IMAGES, NAMES), REGIONS, list("abcde"), NAMES)
    assert scores["people"]["enhancing.psnr"] == [None] * 5 == scores["people"]["to_t1ce"]
    assert json.loads(json.dumps(scores)) == scores


def test_region_psnr_agrees_with_the_table():
    copies = copy_source(IMAGES, NAMES)
    table = transfer_scores(IMAGES, copies, REGIONS, list("abcde"), NAMES)["people"]
    assert region_psnr(IMAGES, copies, REGIONS)["tumour"] == table["tumour.psnr"]
    single = pair_scores(IMAGES[0], copies[0], REGIONS[0], NAMES)
    assert len(single) == 12 and np.mean([v["brain"][0] for v in single.values()]) == pytest.approx(
        table["brain.psnr"][0], abs=1e-3
    )


def test_retrieval_is_perfect_chance_or_nothing():
    rng = np.random.default_rng(0)
    personal = rng.standard_normal((40, 1, 30)) + rng.standard_normal((1, 4, 30))
    assert retrieved(np.broadcast_to(personal, (40, 4, 30))).tolist() == [1] * 40
    assert retrieved(rng.standard_normal((400, 4, 30))).mean() == pytest.approx(1 / 400, abs=0.004)
    assert np.allclose(retrieved(np.ones((10, 4, 6))), 0.1)
    assert retrieved(personal + np.zeros((40, 4, 30)), np.roll(personal, 1, 0) + np.zeros((40, 4, 30))).sum() == 0


def test_the_outline_alone_gives_its_owner_away_and_less_so_in_a_common_frame():
    sizes = np.linspace(0.6, 1.2, 8)
    grid = np.moveaxis(np.indices((24,) * 3), 0, -1) / 12 - 0.98
    masks = np.stack([np.linalg.norm(grid * size, axis=-1) < 0.6 for size in sizes])
    images = np.repeat(masks[:, None].astype(np.float32) * 0.5, 2, axis=1)
    assert retrieved(representations(images, masks)["mask"]).tolist() == [1] * 8
    moved, outlines = to_common_frame(images, masks)
    volume = outlines.sum((1, 2, 3))
    assert np.ptp(volume) / volume.mean() < 0.15 < np.ptp(masks.sum((1, 2, 3))) / masks.sum((1, 2, 3)).mean()
    assert (moved[~np.repeat(outlines[:, None], 2, 1)] == 0).all()


def test_with_one_outline_the_mask_finds_nobody():
    masks = LABELS > 0
    images, shared = inside_all(IMAGES, masks)
    assert np.allclose(retrieved(representations(images, shared)["mask"]), 1 / len(IMAGES))
    assert (images[:, :, ~masks.all(0)] == 0).all() and (shared == masks.all(0)).all()
    with pytest.raises(ValueError, match="2 masks have no voxel in common"):
        inside_all(IMAGES[:2], np.stack([masks[0], ~masks[0]]))
