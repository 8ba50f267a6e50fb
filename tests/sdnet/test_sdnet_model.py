"""The networks: published sizes, shapes, and what each factor can and cannot change."""

from dataclasses import replace

import pytest
import torch

from disentangle.networks.autoencoder import count_parameters
from disentangle.sdnet.config import (
    ABLATIONS,
    PRESETS,
    AdversaryConfig,
    SDNetConfig,
    SelfTrainingConfig,
    UNetConfig,
    unet_like,
)
from disentangle.sdnet.model import SDNet
from disentangle.sdnet.train import new_task


def test_the_paper_preset_has_the_published_sizes():
    with torch.device("meta"):
        net = SDNet(PRESETS["paper"])
    sizes = {name: count_parameters(part) for name, part in net.named_children()}
    assert sizes == {"anatomy": 34_526_344, "modality": 95_552, "segmentor": 42_116, "decoder": 6_409}
    assert net.modality.features[13].in_features == 16 * 13 * 13 == 2_704


@pytest.mark.parametrize(
    "changes",
    [
        {},
        *ABLATIONS.values(),
        {"rounding": "argmax"},
        {"rounding": "gumbel"},
        {"z_reconstruction": "reencode", "z_guess": "mean"},
        {"updates": "joint"},
        {"updates": "joint", "z_reconstruction": "reencode", "adversary": AdversaryConfig(images="all", base=2)},
        {"adversary": None},
        {"adversary": AdversaryConfig(generator="maximise", spectral="penalty", history=0, head="mean", base=2)},
    ],
    ids=str,
)
def test_every_option_gives_finite_losses_with_gradients_for_what_its_group_steps(small, changes):
    task = new_task(replace(small, **changes), 0).train()
    batch = _batch(small)
    for group, parameters in task.parameter_groups().items():
        task.zero_grad()
        terms = task.losses(batch, 0, group)
        assert all(value.isfinite() and value.ndim == 0 for value in terms.values())
        terms["loss"].backward()
        assert sum(parameter.grad is not None for parameter in parameters) > 0.8 * len(parameters)


def test_shapes_of_all_factors(small):
    output = SDNet(small)(torch.rand(3, 1, 48, 48))
    assert output.anatomy.shape == (3, 4, 48, 48) and output.anatomy.unique().tolist() == [0, 1]
    assert output.posterior.mean.shape == output.posterior.logvar.shape == (3, 3)
    assert output.drawn.shape == (3, 1, 48, 48)
    assert output.probabilities.shape == (3, 3, 48, 48)
    assert torch.allclose(output.probabilities.sum(1), torch.ones(3, 48, 48), atol=1e-5)


def test_z_is_sampled_in_training_and_its_mean_in_evaluation(small):
    net, images = SDNet(small), torch.rand(4, 1, 48, 48)
    net.eval()
    assert torch.equal(net(images).drawn, net(images).drawn)
    net.train()
    assert not torch.equal(net(images).drawn, net(images).drawn)


def test_swapping_z_changes_intensity_not_anatomy(small):
    torch.manual_seed(0)
    net = SDNet(small).eval()
    anatomy = torch.zeros(2, 4, 48, 48)
    anatomy[:, 0, :, :24], anatomy[:, 1, :, 24:] = 1, 1
    z = torch.tensor([[2.0, -2, 1], [-2, 2, 3]])
    with torch.no_grad():
        drawn = net.decoder(anatomy, z)[:, 0]
        masks = net.probabilities_of(anatomy)
    # Farther than the 9 pixels that a pixel sees, each region has one value, which z alone moves.
    inside = [drawn[:, 10:38, 10:14], drawn[:, 10:38, 34:38]]
    for region in inside:
        assert torch.allclose(region, region[:, :1, :1].expand_as(region), atol=1e-6)
    values = torch.stack([region[:, 0, 0] for region in inside])
    assert (values[:, 0] - values[:, 1]).abs().min() > 1e-3
    assert torch.equal(masks[0], masks[1])


def test_exchanging_two_channels_changes_their_regions_alone(small):
    torch.manual_seed(0)
    decoder = SDNet(small).eval().decoder
    anatomy = torch.zeros(1, 4, 48, 48)
    anatomy[:, 2] = 1
    anatomy[:, 2, 20:28, 20:28] = 0
    anatomy[:, 0, 20:28, 20:24], anatomy[:, 1, 20:28, 24:28] = 1, 1
    z = torch.full((1, 3), 2.0)
    with torch.no_grad():
        changed = (decoder(anatomy, z) - decoder(anatomy[:, [1, 0, 2, 3]], z))[0, 0].abs()
    assert changed[20:28, 20:28].max() > 1e-4
    changed[11:37, 11:37] = 0
    assert changed.max() == 0


def test_the_z_step_teaches_decoder_and_modality_encoder_alone(small):
    task = new_task(small, 0).train()
    stepped = {id(parameter) for parameter in task.parameter_groups()["z_labelled"]}
    assert not stepped & {id(parameter) for parameter in task.model.anatomy.parameters()}
    statistics = task.model.anatomy.unet.down[0][0][1].running_mean.clone()
    task.losses(_batch(small), 0, "z_labelled")["loss"].backward()
    assert all(parameter.grad is None for parameter in task.model.anatomy.parameters())
    assert torch.equal(statistics, task.model.anatomy.unet.down[0][0][1].running_mean)
    assert task.model.anatomy.training


def test_encoding_again_teaches_the_anatomy_encoder_too_also_under_autocast(small):
    task = new_task(replace(small, z_reconstruction="reencode"), 0).train()
    with torch.autocast("cpu", torch.bfloat16):
        loss = task.losses(_batch(small), 0, "z_labelled")["loss"]
    loss.backward()
    # Only with gradients kept apart from the copies that the pass without gradient made.
    assert all(parameter.grad is not None for parameter in task.model.anatomy.parameters())


def test_the_discriminator_is_frozen_while_the_segmentation_tries_to_please_it(small):
    task = new_task(small, 0).train()
    task.losses(_batch(small), 0, "unsupervised")["loss"].backward()
    assert all(parameter.grad is None for parameter in task.adversary.parameters())
    assert all(parameter.requires_grad for parameter in task.adversary.parameters())
    assert all(parameter.grad is not None for parameter in task.model.segmentor.parameters())
    task.zero_grad()
    task.losses(_batch(small), 0, "discriminator")["loss"].backward()
    assert all(parameter.grad is None for parameter in task.model.parameters())
    assert all(parameter.grad is not None for parameter in task.adversary.parameters())


def test_the_total_is_the_weighted_sum_of_the_paper(small):
    terms = new_task(small, 0).train().losses(_batch(small), 0, "supervised")
    assert "adversarial" not in terms  # as released: not on labelled images
    expected = 10 * terms["dice"] + terms["reconstruction"] + 0.01 * terms["kl"]
    assert torch.allclose(terms["loss"], expected)
    terms = new_task(small, 0).train().losses(_batch(small), 0, "unsupervised")
    assert torch.allclose(terms["loss"], 10 * terms["adversarial"] + terms["reconstruction"] + 0.01 * terms["kl"])


def test_unlabelled_images_change_no_supervised_term(small):
    terms = []
    for seed in (1, 2):
        batch = _batch(small)
        batch["unlabelled_image"] = torch.rand(2, 1, 48, 48, generator=torch.Generator().manual_seed(seed))
        torch.manual_seed(0)
        terms.append(new_task(small, 0).train().losses(batch, 0, "supervised"))
    assert terms[0].keys() == terms[1].keys()
    assert all(torch.equal(terms[0][name], terms[1][name]) for name in terms[0])


def test_without_unlabelled_images_only_supervision_and_z_remain(small):
    assert list(new_task(small, 0, semi_supervised=False).parameter_groups()) == ["supervised", "z_labelled"]
    assert list(new_task(small, 0).parameter_groups()) == [
        "supervised",
        "z_labelled",
        "unsupervised",
        "z_unlabelled",
        "discriminator",
    ]


def test_the_memory_of_masks_holds_the_latest_and_gives_back_distinct_ones(small):
    adversary = new_task(small, 0).adversary  # room for 6
    for step in range(5):
        fake = torch.full((2, 2, 48, 48), float(step + 1))
        drawn = adversary._drawn_from_history(fake, step)
        allowed = range(max(1, step - 1), step + 2)
        assert drawn.shape == fake.shape and set(drawn[:, 0, 0, 0].tolist()) <= set(allowed)
    assert adversary.history[:, 0, 0, 0].tolist() == [3, 3, 4, 4, 5, 5]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rounding": "floor"}, "rounding is 'floor', expected one of"),
        ({"decoder": "spade"}, "decoder is 'spade'"),
        ({"kl_weight": -1.0}, "kl_weight is -1.0, expected at least 0"),
        ({"image_size": 100}, "image_size is 100, expected a multiple of 16"),
        ({"anatomy_channels": 1}, "anatomy_channels is 1"),
    ],
)
def test_impossible_configurations_are_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        SDNetConfig(**changes)


def test_impossible_adversaries_and_self_training_are_refused():
    with pytest.raises(ValueError, match="masks is 'none', expected one of"):
        AdversaryConfig(masks="none")
    with pytest.raises(ValueError, match="has no discriminator"):
        SelfTrainingConfig(UNetConfig(adversary=AdversaryConfig()))
    with pytest.raises(ValueError, match="warmup is 1.0"):
        SelfTrainingConfig(warmup=1.0)


def test_baselines_share_width_schedule_and_discriminator_with_sdnet():
    for config in PRESETS.values():
        unet, gan = unet_like(config), unet_like(config, adversary=True)
        assert (unet.base, unet.training, unet.dice) == (config.base, config.training, config.dice)
        assert unet.adversary is None and gan.adversary == config.adversary


def _batch(config: SDNetConfig) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    side = config.image_size
    images = {name: 2 * torch.rand(2, 1, side, side, generator=generator) - 1 for name in "abc"}
    labels = [torch.randint(0, 3, (2, side, side), generator=generator).to(torch.int8) for _ in range(2)]
    return {
        "labelled_image": images["a"],
        "labelled_label": labels[0],
        "unlabelled_image": images["b"],
        "masks_label": labels[1],
        "pool_image": images["c"],
    }
