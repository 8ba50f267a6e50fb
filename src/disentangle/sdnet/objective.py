"""What one training iteration of SDNet minimises, group by group (sections 3.2, 3.3 and 4.2, and the release)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from disentangle.sdnet.adversary import MaskAdversary, inference
from disentangle.sdnet.config import SDNetConfig
from disentangle.sdnet.losses import kl_nats, one_hot, pooled_dice_loss
from disentangle.sdnet.model import Output, SDNet
from disentangle.sdnet.rest import Rests
from disentangle.training import Task

LAST_TEMPERATURE = 0.5
RESTING = ("unsupervised", "z_unlabelled", "discriminator")


class SDNetTask(Task):
    """SDNet and its discriminator. A batch is what `Streams.at` gives.

    Alternating updates step, in the release's order: ``supervised`` (all networks on labelled images),
    ``z_labelled`` (decoder and modality encoder), ``unsupervised``, ``z_unlabelled``, ``discriminator``. Joint
    updates step ``joint`` on the sum of all terms over labelled and unlabelled images, then ``discriminator``. Without
    unlabelled images their groups and the discriminator fall away.
    """

    def __init__(self, config: SDNetConfig, unlabelled: bool = True):
        super().__init__()
        self.config, self.unlabelled = config, unlabelled
        self.model = SDNet(config)
        wanted = config.adversary is not None and unlabelled
        self.adversary = MaskAdversary(config.adversary, config.classes, config.image_size) if wanted else None
        self.rests = Rests(config.unlabelled_every)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        everything, z = list(self.model.parameters()), self._z_parameters()
        groups = {"joint": everything}
        if self.config.updates == "alternating":
            groups = {"supervised": everything, "z_labelled": z}
            groups |= {"unsupervised": everything, "z_unlabelled": z} if self.unlabelled else {}
        if self.adversary is not None:
            groups["discriminator"] = list(self.adversary.discriminator.parameters())
        return {name: parameters for name, parameters in groups.items() if parameters}

    def losses(self, batch: dict[str, Tensor], step: int, group: str) -> dict[str, Tensor]:
        done = step / self.config.training.steps
        self.model.anatomy.temperature = 1 - (1 - LAST_TEMPERATURE) * done
        if group == "joint":
            return self._joint(batch)
        if group in RESTING:
            if self.rests.at(step):
                return self.rests.losses(group)
            return self.rests.remembered(group, self._alternating(batch, step, group))
        return self._alternating(batch, step, group)

    def _alternating(self, batch: dict[str, Tensor], step: int, group: str) -> dict[str, Tensor]:
        if group == "discriminator":
            return self._discriminator(batch, step)
        images = batch["unlabelled_image" if group in ("unsupervised", "z_unlabelled") else "labelled_image"]
        if group.startswith("z_"):
            return self._z(images, self._inferred_anatomy(images))
        output = self.model(images)
        terms = self._reconstruction(images, output)
        return self._total(terms | self._of_masks(batch, output, supervised=group == "supervised"))

    def validation_losses(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """One minus the soft Dice, pooled over classes, which decides early stopping; and the reconstruction."""
        output = self.model(batch["labelled_image"])
        masks, _ = one_hot(batch["labelled_label"], self.config.classes)
        loss = pooled_dice_loss(output.probabilities[:, 1:], masks)
        return {"loss": loss, "reconstruction": (output.drawn - batch["labelled_image"]).abs().mean()}

    def _z_parameters(self) -> list[nn.Parameter]:
        """Whom the z reconstruction teaches; nobody where it is off."""
        model = self.model
        learners = {
            "same_anatomy": [model.decoder, model.modality],
            "reencode": [model.decoder, model.modality, model.anatomy],
            "none": [],
        }
        return [parameter for part in learners[self.config.z_reconstruction] for parameter in part.parameters()]

    def _reconstruction(self, images: Tensor, output: Output) -> dict[str, Tensor]:
        """Terms that need no label, and the share of pixels on no channel."""
        return {
            "reconstruction": (output.drawn - images).abs().mean(),
            "kl": kl_nats(*output.posterior),
            "unassigned": (output.anatomy.detach().amax(1) == 0).float().mean(),
        }

    def _of_masks(self, batch: dict[str, Tensor], output: Output, supervised: bool) -> dict[str, Tensor]:
        """Dice of labelled images; the adversary's opinion of unlabelled ones, or of all."""
        predicted, terms = output.probabilities[:, 1:], {}
        if supervised:
            terms["dice"] = self._dice(predicted, batch["labelled_label"])
        if self.adversary is not None and (not supervised or self.config.adversary.images == "all"):
            terms["adversarial"] = self.adversary.generator_loss(predicted)
        return terms

    def _dice(self, predicted: Tensor, labels: Tensor) -> Tensor:
        masks, known = one_hot(labels, self.config.classes)
        return pooled_dice_loss(predicted, masks, known, released=self.config.dice == "released")

    def _total(self, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        config = self.config
        weights = {
            "dice": config.segmentation_weight,
            "adversarial": config.adversary.weight if config.adversary else 0.0,
            "reconstruction": config.reconstruction_weight,
            "kl": config.kl_weight,
            "z": config.z_weight,
        }
        return {"loss": sum(weight * terms[name] for name, weight in weights.items() if name in terms)} | terms

    def _inferred_anatomy(self, images: Tensor) -> Tensor:
        with inference(self.model.anatomy):
            return self.model.anatomy(images)

    def _z(self, images: Tensor, anatomy: Tensor) -> dict[str, Tensor]:
        """Draw the anatomy of images, without gradient, in a random modality, and guess that modality again."""
        z = torch.randn(len(images), self.config.modality_size, device=images.device)
        drawn = self.model.decoder(anatomy, z)
        seen = self.model.anatomy(drawn) if self.config.z_reconstruction == "reencode" else anatomy
        posterior = self.model.modality(seen, drawn)
        guess = posterior.sample() if self.config.z_guess == "sample" else posterior.mean
        return self._total({"z": (guess - z).abs().mean()})

    def _joint(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The paper's one sum: reconstruction, KL and z over all images, Dice and adversary over theirs."""
        labelled = batch["labelled_image"]
        images = torch.cat([labelled, batch["unlabelled_image"]]) if self.unlabelled else labelled
        output = self.model(images)
        terms = self._reconstruction(images, output)
        predicted = output.probabilities[:, 1:]
        terms["dice"] = self._dice(predicted[: len(labelled)], batch["labelled_label"])
        if self.adversary is not None:
            judged = predicted if self.config.adversary.images == "all" else predicted[len(labelled) :]
            terms["adversarial"] = self.adversary.generator_loss(judged)
        if self.config.z_reconstruction != "none":
            terms["z"] = self._z(images, output.anatomy.detach())["z"]
        return self._total(terms)

    def _discriminator(self, batch: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        with inference(self.model):
            fake = self.model.probabilities(batch["pool_image"])[:, 1:]
        return self.adversary.losses(one_hot(batch["masks_label"], self.config.classes)[0], fake, self.rests.turn(step))
