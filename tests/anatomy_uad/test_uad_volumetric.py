"""The networks for volumes: shapes, what depends on what, and what is refused. Nobody trains them here."""

import pytest
import torch

from disentangle.anatomy_uad.config import PAPER_LEVELS, DALConfig
from disentangle.anatomy_uad.volumetric import VolumetricDAL

SHAPE = (2, 1, 16, 32, 16)


@pytest.fixture(scope="module")
def model() -> VolumetricDAL:
    torch.manual_seed(0)
    return VolumetricDAL(DALConfig(base=4, code_channels=4), PAPER_LEVELS)


@pytest.fixture(scope="module")
def volumes() -> tuple[torch.Tensor, torch.Tensor]:
    brain = torch.zeros(SHAPE)
    brain[:, :, 2:-2, 4:-4, 2:-2] = 1
    return torch.rand(SHAPE, generator=torch.Generator().manual_seed(1)) * brain, brain


def test_every_part_keeps_the_grid(model, volumes):
    images, brain = volumes
    found = model.anatomy(images, brain)
    assert found.tissues.shape == found.logits.shape == (2, 3, *SHAPE[2:])
    assert torch.allclose(found.tissues.sum(1), torch.ones(()))
    assert model.code(found.image).shape == model.restored_code(brain, brain).shape == (2, 4, *SHAPE[2:])
    assert model.modality(images, brain).shape == (2, model.config.modality_size)
    healthy = model.pseudo_healthy(images, brain)
    assert healthy.shape == SHAPE and not healthy[brain == 0].any() and healthy.isfinite().all()


def test_inside_the_brain_the_anatomical_volume_has_the_three_levels_alone(model, volumes):
    image = model.anatomy(*volumes).image
    levels = {round(value, 4) for value in image[volumes[1] > 0].unique().tolist()}
    assert levels <= set(PAPER_LEVELS)


def test_a_flat_volume_has_no_edges_and_a_step_has_some(model, volumes):
    _, brain = volumes
    assert not model.edges(torch.full(SHAPE, 0.5), brain).any()
    step = torch.zeros(SHAPE)
    step[..., 8:] = 1
    assert model.edges(step, brain).any()


def test_gradients_reach_every_network_but_do_not_pass_the_edges(model, volumes):
    images, brain = volumes
    found = model.anatomy(images, brain)
    drawn = model.combine(model.code(found.image), model.modality(images, brain), brain)
    restored = model.restored_code(model.edges(found.image, brain), brain)
    (drawn.mean() + restored.square().mean()).backward()
    for name in ("extractor", "encoder", "modality_head", "blocks", "head", "restorer"):
        part = getattr(model, name)
        assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in part.parameters()), name


def test_other_sides_masks_and_arms_are_refused(model):
    with pytest.raises(ValueError, match=r"\(1, 1, 10, 32, 16\).*multiples of 16"):
        model.anatomy(torch.zeros(1, 1, 10, 32, 16), torch.zeros(1, 1, 10, 32, 16))
    with pytest.raises(ValueError, match="brain has the shape"):
        model.anatomy(torch.zeros(SHAPE), torch.zeros(1, 1, 16, 16, 16))
    with pytest.raises(ValueError, match="in 3D there are 'edges' alone"):
        VolumetricDAL(DALConfig(restorer_input="image"), PAPER_LEVELS)
