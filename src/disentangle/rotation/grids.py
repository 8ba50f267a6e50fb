"""Which experiments the pages of the rotation rest on, in order of worth. Light: they are named, not imported."""

from __future__ import annotations

from disentangle.runs.cells import Cell

SEEDS = range(5)
PROFILES = ("rotation", "entangled", "combat", "combat_archive")


def rotation_clusters() -> list[Cell]:
    """Clusters of simulated lungs: five models, then without technical effect, then with confounded settings."""
    independent = [_clusters("independent", seed) for seed in SEEDS]
    nothing = [_clusters("independent", seed, effect=0.0) for seed in (0, 1)]
    confounded = [_clusters("confounded", seed) for seed in SEEDS]
    return [*independent, *nothing, *confounded]


def rotation_clusters_lung_ct() -> list[Cell]:
    """Clusters of real lungs: fitted on one of two people, scored on the other, both ways."""
    return [
        Cell(
            name=f"fitted_on_{person}_seed{seed}",
            function="disentangle.rotation.experiment:clusters_lung_ct_cell",
            parameters={"fitted_on": person, "seed": seed},
            data=("lung_ct",),
        )
        for seed in SEEDS
        for person in (0, 1)
    ]


def rotation_survival() -> list[Cell]:
    """Profiles of 240 people. The null arm has the scans of the independent one, only other deaths."""
    return [
        Cell(
            name=f"{arm}_{method}",
            function="disentangle.rotation.profiles:profile_cell",
            parameters={"arm": arm, "method": method},
            data=("lung_phantom",),
        )
        for arm in ("independent", "confounded")
        for method in PROFILES
    ]


def _clusters(arm: str, seed: int, effect: float = 1.0) -> Cell:
    return Cell(
        name=f"{arm if effect else 'no_effect'}_seed{seed}",
        function="disentangle.rotation.experiment:clusters_cell",
        parameters={"arm": arm, "seed": seed, "effect": effect},
        data=("lung_phantom",),
    )
