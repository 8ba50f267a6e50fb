"""Which experiments the PUIR pages rest on, in order of worth. Light: the trainings are named, not imported."""

from __future__ import annotations

from disentangle.runs.cells import Cell

SEEDS = (0, 1, 2)
DIAL = (0.0, 4.0, 10.0)
"""Per cent of jitter; 4 is that of all other cells (`cohorts.JITTER`)."""
RATES = (0.002, 0.006)
"""Learning rates between which the grid's was chosen; PUIR's own choice is asked on validation people."""
OWN_RATE = 0.002
"""Of `RATES` the one at which PUIR draws the tumour of validation people best."""
USUAL = 4.0
ABLATED = ("no_decom", "no_inv", "no_equ", "no_contr", "only_inv", "only_equ")
"""``inv_equ`` is the same training as ``no_contr``."""


def puir_transfer() -> list[Cell]:
    """Transfer between four contrasts: PUIR against the matched network, then what stands for what, then the dial."""
    return [
        _baselines(USUAL),
        _polynomial_inside(),
        *_pair(0),
        *_pair(1),
        _short(0),
        *(_transfer("unet", 0), _transfer("no_prior", 0)),
        Cell(name="cost", function="disentangle.puir.costs:cost_cell", parameters={}),
        *_pair(2),
        *(cell for jitter in (0.0, 10.0) for cell in _pair(0, jitter)),
        *(_transfer(method, 0) for method in ("puir_no_skips", "matched_no_skips", "random_prior", *ABLATED)),
        *(_baselines(jitter) for jitter in (0.0, 10.0)),
        *(_transfer(method, seed) for seed in (1, 2) for method in ("puir_no_skips", "matched_no_skips")),
        *(_short(seed) for seed in (1, 2)),
        *(_rate(rate) for rate in RATES),
        *(_own_rate(seed) for seed in SEEDS),
        *(cell for seed in (1, 2) for jitter in (0.0, 10.0) for cell in _pair(seed, jitter)),
    ]


def puir_tasks() -> list[Cell]:
    """Segmentation with missing modalities, and PET and CT."""
    return [
        _task("pet_ct_baselines", "pet_ct_baselines_cell", "pet_ct"),
        *(_segmentation(method, 0) for method in ("puir", "matched")),
        *(_pet_ct(method, 0) for method in ("puir", "matched")),
        _segmentation("scratch", 0),
        *(_segmentation(method, 1) for method in ("puir", "matched")),
        *(_pet_ct(method, 1) for method in ("puir", "matched")),
        *(_segmentation(method, 2) for method in ("puir", "matched")),
        *(_pet_ct(method, 2) for method in ("puir", "matched")),
        *(_segmentation("scratch", seed) for seed in (1, 2)),
    ]


def planned_trainings() -> dict[int, list[str]]:
    """How many trainings of which methods the grid of transfer plans at the usual jitter, most first."""
    methods = [
        cell.parameters["method"]
        for cell in puir_transfer()
        if "method" in cell.parameters and cell.parameters["jitter"] == USUAL
    ]
    counts = {name: methods.count(name) for name in dict.fromkeys(methods)}
    return {
        number: [name for name in counts if counts[name] == number]
        for number in sorted(set(counts.values()), reverse=True)
    }


def _pair(seed: int, jitter: float = USUAL) -> list[Cell]:
    return [_transfer(method, seed, jitter) for method in ("puir", "matched")]


def _transfer(method: str, seed: int, jitter: float = USUAL) -> Cell:
    return Cell(
        name=f"{method}_seed{seed}" + ("" if jitter == USUAL else f"_jitter{jitter:g}"),
        function="disentangle.puir.experiment:transfer_cell",
        parameters={"method": method, "seed": seed, "jitter": jitter},
        data=_data(jitter),
    )


def _short(seed: int) -> Cell:
    return Cell(
        name=f"matched_short_seed{seed}",
        function="disentangle.puir.further:short_cell",
        parameters={"method": "matched_short", "seed": seed, "jitter": USUAL},
        data=_data(USUAL),
    )


def _baselines(jitter: float) -> Cell:
    return Cell(
        name="baselines" + ("" if jitter == USUAL else f"_jitter{jitter:g}"),
        function="disentangle.puir.experiment:baselines_cell",
        parameters={"jitter": jitter},
        data=_data(jitter),
    )


def _polynomial_inside() -> Cell:
    return Cell(
        name="polynomial_inside",
        function="disentangle.puir.masked:polynomial_inside_cell",
        parameters={"jitter": USUAL},
        data=_data(USUAL),
    )


def _rate(rate: float) -> Cell:
    return Cell(
        name=f"rate_puir_{rate:g}",
        function="disentangle.puir.rates:rate_cell",
        parameters={"learning_rate": rate, "seed": 0},
        data=("brain",),
    )


def _own_rate(seed: int) -> Cell:
    return Cell(
        name=f"puir_own_rate_seed{seed}",
        function="disentangle.puir.own_rate:own_rate_cell",
        parameters={"method": "puir_own_rate", "learning_rate": OWN_RATE, "seed": seed, "jitter": USUAL},
        data=_data(USUAL),
    )


def _data(jitter: float) -> tuple[str, ...]:
    return ("brain", "tcga_lgg") if jitter == USUAL else ("brain",)


def _segmentation(method: str, seed: int) -> Cell:
    return _task(f"segmentation_{method}_seed{seed}", "segmentation_cell", "brain", method=method, seed=seed)


def _pet_ct(method: str, seed: int) -> Cell:
    return _task(f"pet_ct_{method}_seed{seed}", "pet_ct_cell", "pet_ct", method=method, seed=seed)


def _task(name: str, function: str, data: str, **parameters: object) -> Cell:
    return Cell(name=name, function=f"disentangle.puir.tasks:{function}", parameters=parameters, data=(data,))
