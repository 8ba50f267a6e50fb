"""How long the anomaly detector takes: ``.venv/bin/python -m pytest benchmarks/test_uad_speed.py -o addopts=``."""

import numpy as np
import torch
from nilearn.datasets import load_mni152_brain_mask, load_mni152_template

from disentangle.anatomy_uad.data import checked_slices
from disentangle.anatomy_uad.experiment import configuration
from disentangle.anatomy_uad.fitted import Fitted
from disentangle.anatomy_uad.score import anomaly_map
from disentangle.anatomy_uad.train import new_model, pseudo_healthy
from disentangle.training import History


def score_of_the_template(slices, config) -> np.ndarray:
    model = new_model(config, seed=0)
    model.levels.copy_(torch.tensor([0.4, 0.7, 0.9]))
    fitted = Fitted(model, config, History([], 0.0, None, False), 0.0, False)
    return anomaly_map(slices, pseudo_healthy(fitted, slices), config.score)


def test_scoring_a_volume_of_1_mm(benchmark):
    """197 x 233 x 189 voxels, the grid's network without training: under 20 s on two cores."""
    image, brain = load_mni152_template(resolution=1).get_fdata(), load_mni152_brain_mask(resolution=1).get_fdata()
    turned = [part.transpose(2, 1, 0)[:, ::-1] for part in (image / image.max(), brain)]
    slices = checked_slices(*turned, "T1")
    torch.set_num_threads(2)
    found = benchmark.pedantic(score_of_the_template, args=(slices, configuration()), rounds=1)
    assert found.shape == (189, 233, 197) and np.isfinite(found).all()
    assert benchmark.stats["mean"] < 20
