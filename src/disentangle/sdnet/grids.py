"""Which experiments the SDNet pages rest on, in order of worth. Light: the trainings are named, not imported."""

from __future__ import annotations

import re
from dataclasses import replace

from disentangle.imaging import datasets
from disentangle.runs.cells import Cell

VARIANTS = ("sdnet", "no_rounding", "argmax", "no_zrec", "concat", "no_kl")
SIZES = ("channels_4", "z_128", "channels_16", "z_32", "z_4")
MIXTURES = ("mr_alone", "ct_alone", "mr_some_ct", "ct_some_mr")
RATES = (0.001, 0.002, 0.004)
"""Tried with SDNet on validation people."""
LEARNING_RATE = 0.002
"""That of all cells of the page `sdnet`: of `RATES` the one with the best masks in validation people."""
SEEDS = (0, 1)
PLATEAU_STEPS = 4000
SELFTRAIN_STEPS = 1600
"""Self-training warms up for half of its steps: as many as the other methods have with labels."""
COMPARISON = "disentangle.sdnet.comparison:few_labels_cell"
AS_PROVIDED = "disentangle.sdnet.provided:few_labels_cell"
DRAWS = (0, 1, 2)
OTHER_DRAWS = {("acdc", 1): (0, 2, 3)}
"""Where two of `DRAWS` happen to draw the same person."""
ARMS = ("sdnet_supervised", "sdnet_no_adversary", "sdnet_every_step", "sdnet_rounded")
INGREDIENTS = ("sdnet_unrounded", "sdnet_masks_alone")


def sdnet() -> list[Cell]:
    """Rates, SDNet, what the paper argues for taken away, other sizes and mixtures; MR and CT phantoms, two seeds."""
    return [
        *(_factors(f"rate_{rate}", "rate", seed, learning_rate=rate) for seed in SEEDS for rate in RATES),
        *(
            _factors(variant, "ablation", seed, variant=variant, learning_rate=LEARNING_RATE)
            for variants in (VARIANTS, SIZES[:2])
            for seed in SEEDS
            for variant in variants
        ),
        *(_mixture(variant, seed) for seed in SEEDS for variant in MIXTURES),
        *(
            _factors(variant, "ablation", seed, variant=variant, learning_rate=LEARNING_RATE)
            for seed in SEEDS
            for variant in SIZES[2:]
        ),
    ]


def _mixture(variant: str, seed: int) -> Cell:
    return Cell(
        name=f"{variant}_seed{seed}",
        function="disentangle.sdnet.mixtures:mixture_cell",
        parameters={"variant": variant, "learning_rate": LEARNING_RATE, "seed": seed},
        data=("heart_phantom",),
    )


def _factors(name: str, kind: str, seed: int, **parameters: object) -> Cell:
    return Cell(
        name=f"{name}_seed{seed}",
        function=f"disentangle.sdnet.ablation:{kind}_cell",
        parameters={**parameters, "seed": seed},
        data=("heart_phantom",),
    )


def sdnet_few_labels() -> list[Cell]:
    """Few labels on the phantom: fold 0, why SDNet gains or loses, then how far more steps carry."""
    return [
        *_fold("heart_phantom", 0),
        *_repeated("heart_phantom"),
        *_reasons("heart_phantom", 0),
        *_ingredients("heart_phantom", 0),
        *(_cell("heart_phantom", method, 1, 0, 0, steps=PLATEAU_STEPS) for method in ("sdnet", "unet")),
        *_volumes("heart_phantom", 0),
        *_further("heart_phantom", 0),
        *_all_masks("heart_phantom", 0),
        *_ingredients_of_two("heart_phantom"),
    ]


def sdnet_few_labels_acdc() -> list[Cell]:
    """Few labels on real ACDC: fold 0 with one, two and all labelled people, then more methods, draws and folds.

    In the provider's layout the comparison alone is scored against the labels as drawn, and takes its unlabelled images
    from the cine series where everybody's is there.
    """
    cells = [
        *_fold("acdc", 0),
        *(_cell("acdc", method, None, 0, 0, steps=PLATEAU_STEPS) for method in ("unet", "sdnet")),
        _cell("acdc", "unet_best", None, 0, 0, function="best:best_cell"),
        *_ingredients("acdc", 0),
        *(_cell("acdc", method, 1, 0, 0, steps=PLATEAU_STEPS) for method in ("sdnet", "unet")),
        *_further("acdc", 0),
        *(cell for fold in (1, 2) for cell in _fold("acdc", fold)),
        *_all_masks("acdc", 0),
        *_ingredients_of_two("acdc"),
    ]
    if not as_provided("acdc"):
        return cells
    pool = {"series": True} if with_series("acdc") else {}
    return [
        replace(cell, function=AS_PROVIDED, parameters=cell.parameters | pool)
        for cell in cells
        if cell.function == COMPARISON
    ]


def as_provided(data: str) -> bool:
    """Whether a set lies here with an ``Info.cfg`` a person; False where it is not on this machine."""
    return bool(_people_with(data, "Info.cfg"))


def with_series(data: str) -> bool:
    """Whether everybody's cine series lies beside the ``Info.cfg``."""
    people = _people_with(data, "Info.cfg")
    return bool(people) and people <= _people_with(data, "patient*_4d.nii*")


def _people_with(data: str, pattern: str) -> set[str]:
    """The people's folders in which such a file lies, at any depth: some copies unpack into folders of their own."""
    try:
        found = datasets.folder(data).rglob(pattern)
        return {part for path in found for part in path.parent.parts if re.fullmatch(r"patient\d{3}", part)}
    except datasets.DataAbsent:
        return set()


def _fold(data: str, fold: int) -> list[Cell]:
    """The order of worth in a fold: one person's labels, all labels, more draws, two people."""
    one = [_cell(data, method, 1, 0, fold) for method in ("unet", "sdnet", "gan", "sdnet_allmasks")]
    everyone = [_cell(data, method, None, 0, fold) for method in ("unet", "sdnet")]
    others = OTHER_DRAWS.get((data, fold), DRAWS)[1:]
    draws = [_cell(data, method, 1, draw, fold) for draw in others for method in ("unet", "sdnet")]
    return [*one, *everyone, *draws, *(_cell(data, method, 2, 0, fold) for method in ("unet", "sdnet"))]


def _repeated(data: str) -> list[Cell]:
    """Two and all labelled people again: other draws; other test people (those of fold 1 chose the settings)."""
    two = [_cell(data, method, 2, draw, 0) for draw in DRAWS[1:] for method in ("unet", "sdnet")]
    return [*two, *(_cell(data, method, None, 0, 2) for method in ("unet", "sdnet"))]


def _reasons(data: str, fold: int) -> list[Cell]:
    """SDNet with an ingredient less: the draws of one labelled person, and all labels."""
    asked = [(arm, 1, 0) for arm in ARMS] + [(arm, None, 0) for arm in ("sdnet_supervised", "sdnet_rounded")]
    asked += [(arm, 1, draw) for draw in (1, 2) for arm in ("sdnet_supervised", "sdnet_no_adversary")]
    return [_cell(data, arm, known, draw, fold, function="reasons:reason_cell") for arm, known, draw in asked]


def _ingredients(data: str, fold: int) -> list[Cell]:
    """SDNet on labelled images alone, with a part less: one person and two; the draws of one person last."""
    supervised = "sdnet_supervised"  # with one phantom it is a cell of `_reasons`
    asked = [(supervised, 1, 0)] if data == "acdc" else []
    asked += [(arm, 1, 0) for arm in INGREDIENTS] + [(arm, 2, 0) for arm in (supervised, *INGREDIENTS)]
    asked += [(supervised, 1, draw) for draw in (1, 2) if data == "acdc"]
    asked += [(arm, 1, draw) for draw in (1, 2) for arm in INGREDIENTS]
    return [_ingredient(data, arm, known, draw, fold) for arm, known, draw in asked]


def _ingredients_of_two(data: str) -> list[Cell]:
    """The same with two labelled people, where the comparison has more trainings: other folds of real hearts, draws."""
    others = [(0, 1), (0, 2)] if data == "acdc" else [(1, 0), (2, 0)]
    arms = ("sdnet_supervised", *INGREDIENTS)
    return [_ingredient(data, arm, 2, draw, fold) for draw, fold in others for arm in arms]


def _ingredient(data: str, arm: str, known: int, draw: int, fold: int) -> Cell:
    return _cell(data, arm, known, draw, fold, function="ingredients:ingredient_cell")


def _all_masks(data: str, fold: int) -> list[Cell]:
    """The U-Net with the discriminator of the released SDNet, in the draws of one labelled person."""
    return [_cell(data, "gan_allmasks", 1, draw, fold, function="all_masks:gan_cell") for draw in DRAWS]


def _volumes(data: str, fold: int) -> list[Cell]:
    """One person's masks and more people's areas; the other arm starts from the same model, which is fitted once."""
    return [
        _cell(data, method, 1, draw, fold, function="volume_cells:volume_cell")
        for method in ("sdnet_volume", "sdnet_tuned")
        for draw in DRAWS
    ]


def _further(data: str, fold: int) -> list[Cell]:
    """More methods and numbers of labelled people."""
    one = [_selftrain(data, 1, draw, fold) for draw in DRAWS]
    one += [_cell(data, method, 1, draw, fold) for method in ("gan", "sdnet_allmasks") for draw in DRAWS[1:]]
    everyone = [_cell(data, "gan", None, 0, fold), _selftrain(data, None, 0, fold)]
    if data != "acdc":  # where only labelled frames are there, a discriminator of all masks is then the other one
        everyone.append(_cell(data, "sdnet_allmasks", None, 0, fold))
    two = [_cell(data, "gan", 2, 0, fold), _selftrain(data, 2, 0, fold)]
    two += [_cell(data, "sdnet_allmasks", 2, 0, fold)]
    four = [_cell(data, method, 4, 0, fold) for method in ("unet", "gan", "sdnet")] + [_selftrain(data, 4, 0, fold)]
    return [*one, *everyone, *two, *four, _cell(data, "sdnet_allmasks", 4, 0, fold)]


def _selftrain(data: str, labelled: int | None, draw: int, fold: int) -> Cell:
    return _cell(data, "selftrain", labelled, draw, fold, steps=SELFTRAIN_STEPS)


def _cell(
    data: str,
    method: str,
    labelled: int | None,
    draw: int,
    fold: int,
    steps: int | None = None,
    function: str | None = None,
) -> Cell:
    longer = {"steps": steps} if steps else {}
    known = "all" if labelled is None else labelled
    return Cell(
        name=f"{method}_labelled{known}_draw{draw}_fold{fold}_seed0" + (f"_steps{steps}" if steps else ""),
        function=f"disentangle.sdnet.{function}" if function else COMPARISON,
        parameters={"data": data, "method": method, "labelled": labelled, "draw": draw, "fold": fold, "seed": 0}
        | longer,
        data=("acdc", "sunnybrook") if data == "acdc" else (data,),
    )
