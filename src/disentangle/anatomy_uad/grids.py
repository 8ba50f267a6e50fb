"""Which experiments the chapter rests on, in order of worth. Light: the trainings are named, not imported."""

from __future__ import annotations

from disentangle.runs.cells import Cell

SEEDS = (0, 1, 2)
BEST_BASELINE = "zmap"
"""Of the baselines that with the best average precision on validation people with seed 0, mean of T1 and T2."""
UNTRAINED = ("threshold", "zmap")
BASELINES = ("threshold", "zmap", "ae_randomised", "ae", "dae")
HYBRIDS = ("ae_hybrid", "dae_hybrid", "ae_randomised_hybrid")
FREE_ARMS = ("no_ssim", "mean_z")
ARMS = ("image_input", "anatomy_input", "no_consistency")
REAL = ("ms_lesions", "tcga_lgg", "brats2013")
ON_REAL = ("dal", "threshold", "ae_randomised", "ae", "dae", "zmap")


def anatomy_uad() -> list[Cell]:
    """The method, its arms and its baselines on simulated people, then on real ones."""
    trained = [name for name in BASELINES if name not in UNTRAINED]
    return [
        Cell("people", f"{_MODULE}:people_cell", {}, _SIMULATED),
        _detection("dal", 0),
        *(_detection(name, 0) for name in (*UNTRAINED, *FREE_ARMS)),
        _factors("dal", 0),
        *(_detection(name, 0) for name in trained),
        *(_detection(name, 0) for name in ARMS),
        *(_real(data, "dal", 0) for data in REAL),
        *(cell for seed in SEEDS[1:] for cell in _more_seeds(seed)),
        *(_detection(name, 0) for name in HYBRIDS),
        *(_real(data, name, 0) for data in REAL for name in ON_REAL if name != "dal" and _defined(name, data)),
        _factors("no_consistency", 0),
        *(_displacement("dal", seed) for seed in SEEDS),
        *(_detection(name, seed) for seed in SEEDS[1:] for name in (*ARMS, *trained)),
        *(_detection(name, seed) for seed in SEEDS[1:] for name in HYBRIDS),
    ]


_MODULE = "disentangle.anatomy_uad.experiment"
_SIMULATED = ("brain_sites",)


def _detection(method: str, seed: int) -> Cell:
    parameters = {"method": method, "seed": seed}
    return Cell(f"{method}_seed{seed}", f"{_MODULE}:detection_cell", parameters, _SIMULATED)


def _displacement(method: str, seed: int) -> Cell:
    function = "disentangle.anatomy_uad.displacement:displacement_cell"
    return Cell(f"displacement_{method}_seed{seed}", function, {"method": method, "seed": seed}, _SIMULATED)


def _factors(method: str, seed: int) -> Cell:
    return Cell(f"factors_{method}_seed{seed}", f"{_MODULE}:factors_cell", {"method": method, "seed": seed}, _SIMULATED)


def _real(data: str, method: str, seed: int) -> Cell:
    parameters = {"data": data, "method": method, "seed": seed}
    return Cell(f"{data}_{method}_seed{seed}", f"{_MODULE}:real_cell", parameters, (*_SIMULATED, data))


def _more_seeds(seed: int) -> list[Cell]:
    """The method again, with what its weights give for nothing."""
    return [_detection("dal", seed), *(_detection(name, seed) for name in FREE_ARMS), _factors("dal", seed)]


def _defined(method: str, data: str) -> bool:
    """The z-map knows the sequences of the training alone."""
    return method != "zmap" or data != "brats2013"
