"""The training loop: same seed, same weights; resumed or not; and what stops it."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from disentangle.batches import Batches
from disentangle.checkpoints import CheckpointMismatch
from disentangle.device import mixed_seed, resolve_precision, seeded
from disentangle.training import History, NonFiniteLoss, Settings, Task, train

SHORT = Settings(steps=12, batch_size=8, learning_rate=1e-2, device="cpu", precision="32", log_every=3)


class Regression(Task):
    """A line with dropout, so that its noise must be reproduced as well."""

    def __init__(self, inputs: int = 5, poison: int | None = None):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs, 16), nn.Dropout(0.3), nn.Linear(16, 1))
        self.poison = poison

    def losses(self, batch: dict[str, Tensor], step: int, group: str) -> dict[str, Tensor]:
        error = (self.layers(batch["x"]).squeeze(-1) - batch["y"]).square().mean()
        penalty = error * float("nan") if self.poison == step and self.training else error * 0
        return {"loss": error + penalty, "error": error, "penalty": penalty}


def data(rows: int = 30, inputs: int = 5) -> dict[str, Tensor]:
    x = torch.randn(rows, inputs, generator=torch.Generator().manual_seed(1))
    return {"x": x, "y": x.sum(1)}


def trained(seed: int = 0, settings: Settings = SHORT, task: Task | None = None, **more) -> tuple[Task, History]:
    with seeded(seed, "test"):
        task = task or Regression()
    return task, train(task, Batches(data(), settings.batch_size, seed), settings, seed, **more)


def weights(task: nn.Module) -> Tensor:
    return torch.cat([value.flatten() for value in task.state_dict().values()])


def test_the_same_seed_gives_bit_identical_weights_and_another_does_not():
    torch.manual_seed(99)  # the global state must not matter
    first = weights(trained(0)[0])
    torch.manual_seed(7)
    assert torch.equal(first, weights(trained(0)[0]))
    assert not torch.equal(first, weights(trained(1)[0]))


def test_training_leaves_the_global_generator_as_it_was():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    trained()
    assert torch.equal(torch.rand(4), expected)


def test_an_interrupted_and_resumed_training_equals_an_uninterrupted_one(tmp_path):
    settings = Settings(**{**SHORT.__dict__, "checkpoint_every": 5, "validate_every": 4})
    whole, history = trained(settings=settings, validation=data(9), checkpoint=tmp_path / "whole")
    place = tmp_path / "broken"
    with pytest.raises(NonFiniteLoss):
        with seeded(0, "test"):
            broken = Regression(poison=7)
        trained(settings=settings, task=broken, validation=data(9), checkpoint=place)
    with seeded(1, "test"):
        fresh = Regression()  # other initial weights: the checkpoint must replace them
    resumed, again = trained(settings=settings, task=fresh, validation=data(9), checkpoint=place)
    assert torch.equal(weights(whole), weights(resumed))
    assert history.rows == again.rows


def test_a_nan_stops_with_step_and_term_named_and_the_checkpoint_kept(tmp_path):
    settings = Settings(**{**SHORT.__dict__, "checkpoint_every": 5})
    place = tmp_path / "model"
    with pytest.raises(NonFiniteLoss, match=r"step 7: loss, penalty.*kept at .*model") as caught:
        trained(settings=settings, task=Regression(poison=7), checkpoint=place)
    assert caught.value.step == 7 and caught.value.checkpoint == place and place.exists()
    stored = torch.load(place, weights_only=True)["state"]
    assert stored["step"] == 5
    assert all(value.isfinite().all() for value in stored["task"].values())


def test_a_nan_without_checkpoint_says_that_none_was_written():
    with pytest.raises(NonFiniteLoss, match="step 2: .*no checkpoint was written"):
        trained(task=Regression(poison=2))


def test_a_checkpoint_of_another_model_is_refused_naming_both(tmp_path):
    settings = Settings(**{**SHORT.__dict__, "checkpoint_every": 5})
    trained(settings=settings, checkpoint=tmp_path / "c")
    other = Regression(inputs=6)
    batches = Batches(data(inputs=6), 8, 0)
    with pytest.raises(CheckpointMismatch, match="found Regression of 113 .*expected Regression of 129"):
        train(other, batches, settings, 0, checkpoint=tmp_path / "c")


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    settings = Settings(**{**SHORT.__dict__, "checkpoint_every": 5})
    trained(settings=settings, checkpoint=tmp_path / "c")
    longer = Settings(**{**settings.__dict__, "steps": 20})
    with pytest.raises(CheckpointMismatch, match='"steps": 12.*"steps": 20'):
        trained(settings=longer, checkpoint=tmp_path / "c")


def test_a_full_disk_costs_the_checkpoint_and_not_the_training(tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(28, "disk full: 1 MiB needed, 0 MiB free")

    monkeypatch.setattr("disentangle.checkpoints.write_atomically", full)
    settings = Settings(**{**SHORT.__dict__, "checkpoint_every": 5})
    with pytest.warns(UserWarning, match="step 5: no checkpoint: .*disk full"):
        task, _ = trained(settings=settings, checkpoint=tmp_path / "c")
    assert torch.equal(weights(task), weights(trained()[0]))


def test_early_stopping_restores_the_best_validated_weights():
    settings = Settings(
        steps=400,
        batch_size=8,
        learning_rate=0.05,
        schedule="constant",
        device="cpu",
        precision="32",
        validate_every=5,
        patience=3,
    )
    noise = {"x": torch.randn(20, 5), "y": torch.randn(20)}
    task, history = trained(settings=settings, validation=noise)
    frame = history.frame().dropna(subset="validation")
    assert history.stopped_early and frame["step"].iloc[-1] < 400
    assert history.best_step == frame.loc[frame["validation"].idxmin(), "step"]
    with torch.no_grad():
        assert float(task.losses(noise, 0, "model")["loss"]) == pytest.approx(frame["validation"].min(), rel=1e-5)


def test_batches_visit_every_row_once_in_each_pass():
    batches = Batches({"row": torch.arange(10)}, 4, seed=5)
    seen = torch.cat([batches.at(step)["row"] for step in range(5)])
    assert sorted(seen[:10].tolist()) == sorted(seen[10:].tolist()) == list(range(10))
    assert seen[:10].tolist() != seen[10:].tolist()


def test_a_batch_depends_on_seed_and_step_alone():
    forward = Batches({"row": torch.arange(10)}, 4, seed=5)
    expected = [forward.at(step)["row"].tolist() for step in range(6)]
    backward = Batches({"row": torch.arange(10)}, 4, seed=5)
    assert [backward.at(step)["row"].tolist() for step in reversed(range(6))] == expected[::-1]


def test_unequal_tensors_are_refused():
    with pytest.raises(ValueError, match="'x': 3.*'y': 2"):
        Batches({"x": torch.zeros(3), "y": torch.zeros(2)}, 2, 0)


class Duel(Task):
    """Two players on one number: one raises it, one lowers its own estimate's error."""

    def __init__(self):
        super().__init__()
        self.player, self.critic = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
        self.order: list[str] = []

    def parameter_groups(self):
        return {"critic": [self.critic], "player": [self.player]}

    def losses(self, batch, step, group):
        self.order.append(group)
        error = (self.critic - self.player).square().sum()
        return {"loss": error if group == "critic" else -self.player.sum() + 0 * error}


def test_groups_are_stepped_in_turn_and_leave_each_other_alone():
    task = Duel()
    settings = Settings(steps=1, batch_size=2, learning_rate=0.1, device="cpu", precision="32", clip_norm=None)
    history = train(task, Batches({"x": torch.zeros(4)}, 2, 0), settings, 0)
    assert task.order == ["critic", "player"]
    assert task.critic.item() == 0  # both start equal: nothing to learn for the critic, though the player moves
    assert task.player.item() == pytest.approx(0.1, rel=1e-4)  # the first step of Adam is the learning rate
    assert set(history.rows[-1]) == {"step", "critic_loss", "player_loss"}


class Slope(Task):
    """A constant gradient: every step of Adam moves the number by exactly the learning rate."""

    def __init__(self):
        super().__init__()
        self.place = nn.Parameter(torch.zeros(1))

    def losses(self, batch, step, group):
        return {"loss": -self.place.sum()}


@pytest.mark.parametrize(("schedule", "steps_worth"), [("constant", 60), ("cosine", 30.5)])
def test_the_cosine_schedule_takes_half_the_way(schedule, steps_worth):
    task = Slope()
    settings = Settings(steps=60, batch_size=2, learning_rate=0.01, schedule=schedule, device="cpu", precision="32")
    train(task, Batches({"x": torch.zeros(4)}, 2, 0), settings, 0)
    assert task.place.item() == pytest.approx(0.01 * steps_worth, rel=1e-3)


@pytest.mark.parametrize(
    ("field", "value"), [("steps", 0), ("batch_size", 0), ("precision", "16"), ("schedule", "linear")]
)
def test_impossible_settings_are_refused_by_name(field, value):
    with pytest.raises(ValueError, match=field):
        Settings(**{field: value})


def test_bfloat16_and_32_bit_agree_to_its_three_digits():
    low = Settings(**{**SHORT.__dict__, "precision": "bf16"})
    a, b = weights(trained(settings=SHORT)[0]), weights(trained(settings=low)[0])
    assert not torch.equal(a, b)
    assert np.allclose(a, b, atol=0.05)


def test_a_named_precision_is_kept():
    assert resolve_precision("32", torch.device("cpu")) == "32"
    assert resolve_precision("bf16", torch.device("cpu")) == "bf16"


def test_no_bar_is_drawn_where_nobody_looks(capfd):
    trained()
    assert capfd.readouterr().err == ""


def test_neighbouring_seeds_share_no_stream():
    assert len({mixed_seed(seed, part) for seed in range(50) for part in range(50)}) == 2500
