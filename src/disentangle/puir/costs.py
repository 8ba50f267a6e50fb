"""What PUIR costs: seconds a training step by method and side, and seconds and memory of whole brains by voxel size.

Weights are untrained: they do not change what anything costs. Whole brains are run in a process of their own, so that
the peak of its memory is theirs (Python and torch included).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np

from disentangle.puir.baselines import unet_like
from disentangle.puir.config import PUIRConfig, matched

METHODS = ("puir", "matched", "unet")
SIDES = (32, 48)
VOXELS_MM = (3, 2, 1)
STEPS = 6
_CHILD = """
import json, resource, sys, time
from disentangle.puir.costs import template, untrained
from disentangle.puir.fitted import transfer_whole
volume, fitted = template(int(sys.argv[1])), untrained()
start = time.process_time()
drawn = transfer_whole(fitted, volume)
found = {"cpu_s": time.process_time() - start, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
print(json.dumps(found | {"shape": list(volume.shape), "modalities": len(drawn)}))
"""


def cost_cell() -> dict:
    """``step``: method -> side -> CPU seconds a step of four people; ``whole``: voxel in mm -> CPU seconds, MiB, shape.

    On whichever machine computes the cell; the processor is named with it.
    """
    return {
        "step": {method: {str(side): round(step_seconds(method, side), 4) for side in SIDES} for method in METHODS},
        "whole": {str(voxel): whole_brain(voxel) for voxel in VOXELS_MM},
        "processor": processor(),
    }


def step_seconds(method: str, side: int, steps: int = STEPS) -> float:
    """CPU seconds a training step of four people with four modalities, mean over both stages, first steps left out."""
    from disentangle.puir.train import fit

    config = {"puir": lambda c: c, "matched": matched, "unet": unet_like}[method](PUIRConfig(side=side, decoded=1))
    images = np.random.default_rng(0).random((4, 4, side, side, side), dtype=np.float32)
    seconds = []
    for count in (2, 2 + steps):
        some = config.with_training(steps=count)
        start = time.process_time()
        fit(images, some, 0, cache=False)
        seconds.append((time.process_time() - start, some.steps))
    (short, few), (long, many) = seconds
    return (long - short) / (many - few)


def whole_brain(voxel_mm: int) -> dict:
    """CPU seconds, peak MiB and shape: all modalities from the ICBM152 template, windows half overlapping.

    Raises RuntimeError with the process's own words where it fails.
    """
    done = subprocess.run([sys.executable, "-c", _CHILD, str(voxel_mm)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"a brain of {voxel_mm} mm voxels could not be run: {done.stderr.strip()[-500:]}")
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return found | {"cpu_s": round(found["cpu_s"], 2), "mib": round(found["mib"], 1)}


def template(voxel_mm: int) -> np.ndarray:
    """The T1 template inside its brain mask, float32 in 0..1, at a voxel size."""
    from nilearn.datasets import load_mni152_brain_mask, load_mni152_template

    volume = np.asarray(load_mni152_template(voxel_mm).dataobj, np.float32)
    mask = np.asarray(load_mni152_brain_mask(voxel_mm).dataobj) > 0
    return np.where(mask, np.clip(volume / volume.max(), 0, 1), 0).astype(np.float32)


def untrained(config: PUIRConfig | None = None):
    """A network of the grid's size as it is before training."""
    from disentangle.puir.fitted import Fitted
    from disentangle.puir.train import new_task
    from disentangle.training import History

    config = config or replace(PUIRConfig(), decoded=1)
    return Fitted(new_task(config, 0, "transfer").model, config, History(), 0.0, 1.0, False)


def processor() -> str:
    """The processor's name, where the system says it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return "unknown"
