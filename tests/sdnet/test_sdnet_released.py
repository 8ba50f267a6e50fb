"""The release's optimiser: its rates, and the same weights as torch's own Adam under torch's own schedule."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from disentangle.batches import Batches
from disentangle.sdnet import released
from disentangle.sdnet.released import Optimiser
from disentangle.sdnet.train import fit
from disentangle.training import Settings, Task

FOUR = np.arange(4)


def weights(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([value.flatten().float() for value in model.state_dict().values()])


@pytest.fixture(scope="module")
def constant(small):
    return small.with_training(schedule="constant", clip_norm=None)


def test_after_the_published_number_of_updates_the_rate_is_a_quarter():
    per_update, per_pass = Optimiser(), Optimiser(decay_per="pass")
    assert per_update.rate(1e-4, 0, 315) == per_pass.rate(1e-4, 314, 315) == 1e-4
    assert per_update.rate(1e-4, 31_500, 315) == pytest.approx(1e-4 / 4.15)
    assert per_pass.rate(1e-4, 31_500, 315) == pytest.approx(1e-4 / 1.01)


class Distances(Task):
    """Five numbers drawn towards targets, some far and some near."""

    def __init__(self):
        super().__init__()
        self.numbers = torch.nn.Parameter(torch.zeros(5))

    def losses(self, batch, step, group):
        return {"loss": (self.numbers - batch["target"]).pow(2).sum()}


def test_the_steps_are_those_of_torchs_adam_under_torchs_schedule():
    targets, settings = (
        torch.tensor([[1e-6, -0.1, 1.0, 5.0, -20.0]]),
        Settings(steps=40, learning_rate=0.1, batch_size=1),
    )
    settings = replace(settings, schedule="constant", clip_norm=None, device="cpu", precision="32")
    ours, theirs = Distances(), Distances()
    loop = released._ReleasedLoop(ours, Batches({"target": targets}, 1, 0), settings, 0, None, None)
    loop.use(Optimiser(decay=0.5), steps_of_pass=1)
    loop.run()
    adam = torch.optim.Adam(theirs.parameters(), lr=0.1, betas=(0.5, 0.999), eps=1e-7)
    schedule = torch.optim.lr_scheduler.LambdaLR(adam, lambda t: 1 / (1 + 0.5 * t))
    for step in range(40):
        adam.zero_grad()
        theirs.losses({"target": targets}, step, "model")["loss"].backward()
        adam.step()
        schedule.step()
    torch.testing.assert_close(ours.numbers, theirs.numbers)


def test_with_the_usual_values_it_is_the_usual_training(cohort, constant):
    same = Optimiser(beta1=0.9, epsilon=1e-8, decay=0.0)
    ours = released.fit(cohort, constant, 0, labelled=FOUR, optimiser=same, cache=False)
    assert torch.equal(weights(ours.model), weights(fit(cohort, constant, 0, labelled=FOUR, cache=False).model))


def test_another_optimiser_is_another_model_in_the_cache(cohort, constant):
    first = released.fit(cohort, constant, 0, labelled=FOUR)
    again = released.fit(cohort, constant, 0, labelled=FOUR, optimiser=Optimiser())
    other = released.fit(cohort, constant, 0, labelled=FOUR, optimiser=Optimiser(decay_per="pass"))
    assert again.from_cache and not other.from_cache
    assert torch.equal(weights(first.model), weights(again.model))


@pytest.mark.parametrize("wrong", [{"beta1": 1.0}, {"decay": -1.0}, {"decay_per": "epoch"}])
def test_a_wrong_optimiser_is_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(Optimiser(), **wrong)
