"""Which learning rate PUIR itself would have chosen: the rate of the grid was chosen with the matched network alone."""

from __future__ import annotations

from disentangle.puir.cohorts import JITTER, people_of, regions_of, split
from disentangle.puir.experiment import configuration, curve
from disentangle.puir.scores import region_psnr
from disentangle.puir.train import fit, transfer


def rate_cell(learning_rate: float, seed: int) -> dict:
    """Train PUIR at a rate, steps as in the grid; scored on the validation people alone, nobody of the test is seen.

    ``validation``: ``subject``, and PSNR of each person in ``brain`` and ``tumour``, mean over pairs.
    """
    found = split("brain", JITTER)
    config = configuration(found.modalities).with_training(learning_rate=learning_rate)
    fitted = fit(people_of(found.training), config, seed, cache=False)
    data = people_of(found.validation)
    scores = region_psnr(data.images.numpy(), transfer(fitted, data), regions_of(found.validation))
    return {
        "validation": {"subject": found.validation.samples["subject"].tolist()} | scores,
        "fit_seconds": round(fitted.fit_seconds, 1),
        "curve": curve(fitted),
    }
