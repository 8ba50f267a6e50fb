"""Which trainings the chapter rests on, in order of worth. Light: the trainings are named, not imported."""

from __future__ import annotations

from disentangle.runs.cells import Cell

SEEDS = (0, 1, 2)
TRAINED = ("sdnet", "anatomy_uad", "puir", "rotation", "autoencoder", "gvae", "dirvae")
_MODULE = "disentangle.comparison.experiment"
_DATA = ("brain_sites",)


def comparison() -> list[Cell]:
    """What needs no training, then every method with the first seed, then with the others."""
    return [
        Cell("simple", f"{_MODULE}:simple_cell", {}, _DATA),
        Cell("controls", f"{_MODULE}:controls_cell", {}, _DATA),
        *(_method(name, seed) for seed in SEEDS for name in TRAINED),
    ]


def _method(name: str, seed: int) -> Cell:
    return Cell(f"{name}_seed{seed}", f"{_MODULE}:method_cell", {"method": name, "seed": seed}, _DATA, 240)
