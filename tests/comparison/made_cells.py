"""Cells made by hand, whose means and differences are known."""

import numpy as np

from disentangle.comparison.evaluate import CODE_SCORES, PROBES

HEADS = 5


def scores(error: float, nuisance: bool = True) -> dict:
    """Heads differ by 0.01 in everything; ``nuisance``: whether there is such a code."""
    spread = 0.01 * np.arange(HEADS)
    codes = {name: {probe: (0.5 + spread).tolist() for probe in PROBES} for name in CODE_SCORES}
    codes |= {"distance_correlation": spread.tolist()}
    if not nuisance:
        codes = {name: values for name, values in codes.items() if name.endswith("from_biology")}
    return {
        "subjects": [f"h{n}" for n in range(HEADS)],
        "swap_error": (error + spread).tolist(),
        "reconstruction_error": spread.tolist(),
        "pairs": np.full((6, 6), error).tolist(),
        "codes": codes,
        "cost": {"fit_seconds": 60.0, "parameters": 1000, "ms_per_image": 1.0},
        "facts": {"nuisance_dimensions": 4},
    }


def method(name: str, seed: int, found: dict) -> dict:
    return {"cell": f"{name}_seed{seed}", "parameters": {"method": name, "seed": seed}, "scores": found}
