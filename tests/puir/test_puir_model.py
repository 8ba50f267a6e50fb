"""The network: shapes, sizes of what is compared, what each part can and cannot do."""

from dataclasses import replace

import pytest
import torch
from heads_of_people import SIDE

from disentangle.networks.autoencoder import count_parameters
from disentangle.puir.backbones import SwinBackbone, voxels_of_channels
from disentangle.puir.baselines import networks, parameters
from disentangle.puir.config import ABLATIONS, PRESETS, PUIRConfig, Weights, matched, random_prior, without_prior
from disentangle.puir.model import PUIR, Completion, carry_over, normalised
from disentangle.puir.objective import PUIRTask, another_source
from disentangle.puir.train import new_task


def batch(present: torch.Tensor | None = None, seed: int = 0) -> dict[str, torch.Tensor]:
    images = torch.rand(4, 4, SIDE, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    there = torch.ones(4, 4, dtype=torch.bool) if present is None else present
    images = images * there[:, :, None, None, None]
    return {"images": images, "present": there, "foreground": images.amax(1) > 0.5}


def losses(task: PUIRTask, data: dict[str, torch.Tensor], seed: int = 0) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    return task.losses(data, 0, "model")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"attention": "spatial"},
        {"prior": "none"},
        {"fusion": "released"},
        {"skips": False},
        {"completion": False},
        {"rotations": "cube", "positives": "person", "decoded": None},
        *({"weights": weights} for weights in ABLATIONS.values()),
    ],
    ids=str,
)
def test_every_option_gives_finite_losses_in_both_stages(small, changes):
    config = replace(small, **changes)
    for stage in ("pretraining", "transfer"):
        task = new_task(config, 0, stage).train()
        terms = losses(task, batch())
        assert all(term.isfinite() and term.ndim == 0 for term in terms.values())
        terms["loss"].backward()
        assert sum(parameter.grad is not None for parameter in task.parameters()) > 10


def test_shapes(small):
    model, volumes = PUIR(small), torch.rand(3, 1, SIDE, SIDE, SIDE)
    skips, features = model.encode(volumes)
    assert features.shape == model.invariant(features).shape == (3, 8, 2, 2, 2)
    assert [tuple(skip.shape[1:]) for skip in skips] == [(1, 16, 16, 16), (4, 8, 8, 8), (8, 4, 4, 4)]
    assert model(volumes).shape == (3, 4, SIDE, SIDE, SIDE)


def test_slices_pass_through_both_stages_and_stay_slices(small):
    config = replace(small, flat=True)
    assert PUIR(config)(torch.rand(3, 1, 1, SIDE, SIDE)).shape == (3, 4, 1, SIDE, SIDE)
    data = batch() | {"images": torch.rand(4, 4, 1, SIDE, SIDE)}
    data["foreground"] = data["images"].amax(1) > 0.5
    for stage in ("pretraining", "transfer"):
        terms = losses(new_task(config, 0, stage).train(), data)
        assert all(term.isfinite() for term in terms.values())
    with pytest.raises(ValueError, match="slices need unet and plane"):
        replace(config, rotations="cube")


def test_the_swin_backbone_replaces_its_deepest_map_and_needs_64_voxels():
    config = PUIRConfig(side=64, backbone="swin")
    assert (config.grid, config.channels, config.attention_width) == (2, 192, 8)
    model, volume = PUIR(config).eval(), torch.rand(2, 1, 64, 64, 64)
    with torch.no_grad():
        skips, features = model.encode(volume)
        assert features.shape == model.invariant(features).shape == (2, 192, 2, 2, 2)
        # With the transformer's own deepest map it is MONAI's network.
        assert torch.allclose(model.backbone.decode(features, skips), model.backbone.net(volume), atol=1e-5)
    assert isinstance(model.backbone, SwinBackbone)
    with pytest.raises(ValueError, match="side is 32, expected a multiple of 32 from 64 on for the swin"):
        PUIRConfig(side=32, backbone="swin")


def test_the_paper_preset_has_the_released_sizes():
    config = PRESETS["paper"]
    with torch.device("meta"):
        completion = Completion(config)
    assert tuple(completion.prior.shape) == (1, 768, 3, 3, 3)
    assert (completion.attention.embed_dim, completion.attention.num_heads) == (27, 3)
    # Two convolutions of 3x3x3 as released: 31.85 M there.
    assert count_parameters(PUIR(PUIRConfig()).transfer) == 2 * (27 * 64**2 + 64)
    assert round(2 * (27 * config.channels**2 + config.channels) / 1e6, 2) == 31.85


def test_compared_networks_have_as_many_parameters():
    for config in (PUIRConfig(), PUIRConfig(widths=(8, 32, 48), attention="spatial")):
        counts = {name: parameters(other) for name, other in networks(config).items()}
        full, prior = counts["puir"]["all"], config.channels * config.grid**3
        assert counts["matched"] == counts["puir"]
        assert counts["random_prior"] == {"all": full, "trainable": full - prior}
        assert counts["no_prior"]["all"] == full - prior
        assert abs(counts["unet"]["all"] / full - 1) < 0.01 and prior / full < 0.01


def test_networks_of_one_seed_start_equal_and_see_the_same_total_of_steps(small):
    first, second = new_task(small, 3, "pretraining").model, new_task(matched(small), 3, "transfer").model
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert {other.steps for other in networks(small).values()} == {8}


def test_matched_and_puir_have_the_same_reconstruction_loss(small):
    puir, plain = new_task(small, 0, "transfer").train(), new_task(matched(small), 0, "transfer").train()
    terms = losses(plain, batch())
    assert set(terms) == {"loss", "reconstruction", "spread"} and torch.equal(terms["loss"], terms["reconstruction"])
    assert torch.equal(losses(puir, batch())["reconstruction"], terms["reconstruction"])


def test_the_total_is_the_unweighted_sum(small):
    terms = losses(new_task(small, 0, "pretraining").train(), batch())
    named = ("reconstruction", "invariance", "equivariance", "rotation_class", "contrast")
    assert torch.isclose(terms["loss"], sum(terms[name] for name in named))


def test_a_frozen_prior_gets_no_gradient_and_a_learned_one_does(small):
    for config, learns in ((small, True), (random_prior(small), False)):
        task = new_task(config, 0, "pretraining").train()
        losses(task, batch())["loss"].backward()
        prior = task.model.completion.prior
        assert (prior.grad is not None and prior.grad.abs().max() > 0) == learns
        assert any(prior is stepped for stepped in task.parameter_groups()["model"]) == learns
    assert torch.equal(new_task(small, 0, "transfer").model.completion.prior, prior)
    assert new_task(without_prior(small), 0, "transfer").model.completion.prior is None


def test_attention_asks_the_prior_by_channels_or_by_places(small):
    torch.manual_seed(0)
    features = torch.randn(2, 8, 2, 2, 2)
    for tokens in ("channel", "spatial"):
        completion = PUIR(replace(small, attention=tokens)).completion.eval()
        asked = features.clone()
        asked[:, 0, 0, 0, 0] += 1  # one number of one channel at one place
        changed = ((completion(asked) - completion(features)).abs() > 1e-7)[0]
        # Alone the token it belongs to gets another answer: its channel, or its place.
        expected = torch.zeros(8, 2, 2, 2, dtype=torch.bool)
        expected[(0,) if tokens == "channel" else (slice(None), 0, 0, 0)] = True
        assert torch.equal(changed, expected)


def test_an_invariant_cannot_shrink(small):
    maps = torch.randn(2, 8, 2, 2, 2)
    found = normalised(1e-2 * maps)
    assert found.mean(1).abs().max() < 1e-5 and (found.std(1, correction=0) - 1).abs().max() < 0.2
    assert torch.allclose(normalised(maps), torch.nn.functional.layer_norm(maps.movedim(1, -1), (8,)).movedim(-1, 1))


def test_the_transfer_block_starts_as_the_identity(small):
    maps = torch.randn(2, 8, 2, 2, 2)
    assert torch.allclose(PUIR(small).transfer(maps), maps)


def test_pretraining_draws_without_skips_and_transfer_with_them(small):
    for stage, uses in (("pretraining", False), ("transfer", True)):
        task = new_task(replace(small, weights=Weights(0, 1, 0, 0)), 0, stage).train()
        seen = []
        task.model.backbone.decode = lambda deepest, skips, seen=seen, draw=task.model.backbone.decode: (
            seen.append(skips is not None) or draw(deepest, skips)
        )
        losses(task, batch())
        assert seen == [uses]


def test_absent_modalities_change_no_term_and_train_nothing(small):
    present = torch.tensor([[1, 1, 0, 1], [1, 0, 0, 0], [1, 1, 1, 1], [0, 1, 1, 0]], dtype=torch.bool)
    data = batch(present)
    for stage in ("pretraining", "transfer"):
        task = new_task(small, 0, stage).eval()
        torch.manual_seed(0)
        first = task.validation_losses(data)["loss"]
        other = data | {"images": torch.where(present[:, :, None, None, None], data["images"], 0.7)}
        assert torch.equal(task.validation_losses(other)["loss"], first)
        terms = losses(task.train(), data)
        assert all(term.isfinite() for term in terms.values())


def test_another_source_is_a_present_one_where_there_is_one():
    valid = torch.tensor([[True, True, True], [True, True, False], [True, False, False]])
    assert another_source(valid).view(3, 3).tolist() == [[1, 2, 0], [4, 3, 5], [6, 7, 8]]


def test_weights_of_other_shapes_are_not_carried_over(small):
    source, target = PUIR(small), PUIR(small, outputs=3)
    left = carry_over(target, source.state_dict())
    assert left == ["backbone.head.bias", "backbone.head.weight"]
    assert torch.equal(target.fusion.weight, source.fusion.weight)


def test_a_pixel_shuffle_keeps_every_number():
    maps = torch.arange(2 * 16 * 8.0).view(2, 16, 2, 2, 2)
    found = voxels_of_channels(maps)
    assert found.shape == (2, 2, 4, 4, 4)
    assert torch.equal(found[:, :, ::2, ::2, ::2], maps.view(2, 2, 8, 2, 2, 2)[:, :, 0])
    assert torch.equal(found[:, :, 1::2, ::2, 1::2], maps.view(2, 2, 8, 2, 2, 2)[:, :, 5])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"side": 8}, "side is 8, expected a multiple of 8 from 16 on for the unet"),
        ({"side": 36}, "side is 36, expected a multiple of 8"),
        ({"attention": "rows"}, "attention is 'rows', expected one of"),
        ({"heads": 3}, "heads is 3, expected a divisor of the attention's width 64"),
        ({"modalities": ("t1",)}, "expected at least 2 different names"),
        ({"cut_out": 1.0}, "cut_out is 1.0, expected a part of 1"),
        ({"decoded": 5}, "decoded is 5, expected 1..4"),
        ({"weights": Weights(0, 0, 0, 0)}, "pre-training has no other loss"),
    ],
)
def test_impossible_configurations_are_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        PUIRConfig(**changes)


def test_contrast_never_runs_at_batch_one(small):
    with pytest.raises(ValueError, match="batch_size is 1, expected at least 2"):
        PUIRConfig().with_training(batch_size=1)
    with pytest.raises(ValueError, match="weight of contrast is -1"):
        Weights(contrast=-1)
    with pytest.raises(ValueError, match="contrast over 1 person"):
        losses(new_task(small, 0, "pretraining").train(), {name: part[:1] for name, part in batch().items()})
