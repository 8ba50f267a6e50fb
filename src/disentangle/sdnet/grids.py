"""Which experiments the SDNet pages rest on, in order of worth. Light: the trainings are named, not imported."""

from __future__ import annotations

from disentangle.runs.cells import Cell

VARIANTS = ("sdnet", "no_rounding", "argmax", "no_zrec", "concat", "no_kl")
SIZES = ("channels_4", "z_128", "channels_16", "z_32", "z_4")
RATES = (0.001, 0.002, 0.004)
"""Tried with SDNet on validation people."""
LEARNING_RATE = 0.002
"""That of all cells of the page `sdnet`: of `RATES` the one with the best masks in validation people."""
SEEDS = (0, 1)
PLATEAU_STEPS = 4000
ARMS = ("sdnet_supervised", "sdnet_no_adversary", "sdnet_every_step", "sdnet_rounded")


def sdnet() -> list[Cell]:
    """Rates, then SDNet, what the paper argues for taken away, and other sizes; MR and CT phantoms, two seeds."""
    return [
        *(_factors(f"rate_{rate}", "rate", seed, learning_rate=rate) for seed in SEEDS for rate in RATES),
        *(
            _factors(variant, "ablation", seed, variant=variant, learning_rate=LEARNING_RATE)
            for variants in (VARIANTS, SIZES)
            for seed in SEEDS
            for variant in variants
        ),
    ]


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
        *_reasons("heart_phantom", 0),
        *(_cell("heart_phantom", method, 1, 0, 0, steps=PLATEAU_STEPS) for method in ("sdnet", "unet")),
        *_further("heart_phantom", 0),
    ]


def sdnet_few_labels_acdc() -> list[Cell]:
    """Few labels on real ACDC: fold 0 with one, two and all labelled people, then more methods, draws and folds."""
    return [
        *_fold("acdc", 0),
        _cell("acdc", "unet", None, 0, 0, steps=PLATEAU_STEPS),
        _cell("acdc", "unet_best", None, 0, 0, function="best:best_cell"),
        *(_cell("acdc", method, 1, 0, 0, steps=PLATEAU_STEPS) for method in ("sdnet", "unet")),
        *_further("acdc", 0),
        *(cell for fold in (1, 2) for cell in _fold("acdc", fold)),
    ]


def _fold(data: str, fold: int) -> list[Cell]:
    """The order of worth in a fold: one person's labels, all labels, more draws, two people."""
    one = [_cell(data, method, 1, 0, fold) for method in ("unet", "sdnet", "gan", "sdnet_allmasks")]
    everyone = [_cell(data, method, None, 0, fold) for method in ("unet", "sdnet")]
    draws = [_cell(data, method, 1, draw, fold) for draw in (1, 2) for method in ("unet", "sdnet")]
    return [*one, *everyone, *draws, *(_cell(data, method, 2, 0, fold) for method in ("unet", "sdnet"))]


def _reasons(data: str, fold: int) -> list[Cell]:
    """SDNet with an ingredient less: the draws of one labelled person, and all labels."""
    asked = [(arm, 1, 0) for arm in ARMS] + [(arm, None, 0) for arm in ("sdnet_supervised", "sdnet_rounded")]
    asked += [(arm, 1, draw) for draw in (1, 2) for arm in ("sdnet_supervised", "sdnet_no_adversary")]
    return [_cell(data, arm, known, draw, fold, function="reasons:reason_cell") for arm, known, draw in asked]


def _further(data: str, fold: int) -> list[Cell]:
    """More methods and numbers of labelled people."""
    cheap = [_cell(data, method, 1, draw, fold) for method in ("selftrain", "gan") for draw in (0, 1, 2)]
    cheap = [cell for cell in cheap if cell.parameters["method"] != "gan" or cell.parameters["draw"]]
    masks = [_cell(data, "sdnet_allmasks", 1, draw, fold) for draw in (1, 2)]
    two = [_cell(data, method, 2, 0, fold) for method in ("gan", "selftrain")]
    four = [_cell(data, method, 4, 0, fold) for method in ("unet", "gan", "selftrain", "sdnet")]
    return [*cheap, *masks, *two, *four]


def _cell(
    data: str,
    method: str,
    labelled: int | None,
    draw: int,
    fold: int,
    steps: int | None = None,
    function: str = "comparison:few_labels_cell",
) -> Cell:
    longer = {"steps": steps} if steps else {}
    known = "all" if labelled is None else labelled
    return Cell(
        name=f"{method}_labelled{known}_draw{draw}_fold{fold}_seed0" + (f"_steps{steps}" if steps else ""),
        function=f"disentangle.sdnet.{function}",
        parameters={"data": data, "method": method, "labelled": labelled, "draw": draw, "fold": fold, "seed": 0}
        | longer,
        data=("acdc", "sunnybrook") if data == "acdc" else (data,),
    )
