"""The detector's networks for whole volumes, as in the paper, whose extractor is a 3D U-Net. Shape-tested only.

Nothing in this package trains them: at a resolution at which lesions are seen, a volume needs a GPU. The losses of
`objective` are written for slices. Volumes are (batch, 1, depth, height, width) in 0..1 and 0 outside the brain, all
sides multiples of 16; ``brain`` has the same shape and holds 0 and 1.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from disentangle.anatomy_uad.config import DALConfig
from disentangle.anatomy_uad.edges import canny
from disentangle.anatomy_uad.model import TISSUES, Anatomy, differentiable_one_hot
from disentangle.networks.film import SLOPE

MULTIPLE = 16
"""Four halvings of MONAI's U-Net."""


class VolumetricDAL(nn.Module):
    """The parts of `model.DAL` in 3D, with the same names: extractor, encoder, modality, combiner, restorer.

    ``config`` gives ``base``, ``code_channels``, ``modality_size``, ``modality_base``, ``combiner_blocks`` and
    ``edges``; there is no stem, and edges are found slice by slice along the first axis. ``levels`` are the grey levels
    of CSF, grey and white matter.
    """

    def __init__(self, config: DALConfig, levels: tuple[float, float, float]):
        super().__init__()
        if config.restorer_input != "edges":
            raise ValueError(f"restorer_input is {config.restorer_input!r}, in 3D there are 'edges' alone")
        self.config, self.temperature = config, config.last_temperature
        channels = config.code_channels
        self.extractor = _unet(1, len(TISSUES), config.base)
        self.encoder = nn.Sequential(_convolution(1, channels), _convolution(channels, channels))
        self.modality_features = _features(config.modality_base)
        self.modality_head = nn.Linear(4 * config.modality_base, config.modality_size)
        self.blocks = nn.ModuleList(
            _ModulatedBlock(channels, config.modality_size) for _ in range(config.combiner_blocks)
        )
        self.head = nn.Conv3d(channels, 1, 3, padding=1)
        self.restorer = _unet(2, channels, config.base)
        self.register_buffer("levels", torch.tensor(levels))

    def anatomy(self, images: Tensor, brain: Tensor) -> Anatomy:
        """Tissues (batch, 3, depth, height, width) and the anatomical volume. Raises ValueError for other sides."""
        _check(images, brain)
        logits = self.extractor(images).float()
        tissues = differentiable_one_hot(logits, self.temperature)
        levels = self.levels[:, None, None, None]
        return Anatomy(logits, tissues, brain * (tissues * levels).sum(1, keepdim=True))

    def code(self, anatomy: Tensor) -> Tensor:
        """The anatomical code (batch, code channel, depth, height, width) of an anatomical volume."""
        return self.encoder(anatomy).float()

    def modality(self, images: Tensor, brain: Tensor) -> Tensor:
        """z (batch, modality size): a mean over the brain, no map leaves it."""
        maps = self.modality_features(images).float()
        weight = F.adaptive_avg_pool3d(brain, maps.shape[-3:])
        pooled = (maps * weight).sum((2, 3, 4)) / weight.sum((2, 3, 4)).clamp_min(1e-6)
        return self.modality_head(pooled).float()

    def combine(self, code: Tensor, modality: Tensor, brain: Tensor) -> Tensor:
        """The volume of a code in the look of a modality vector, 0 outside the brain."""
        for block in self.blocks:
            code = block(code, modality)
        return self.head(code).float().sigmoid() * brain

    def edges(self, anatomy: Tensor, brain: Tensor) -> Tensor:
        """Canny's edges of an anatomical volume, slice by slice, (batch, 1, depth, ...) of 0 and 1, no gradient."""
        settings = self.config.edges
        slices = anatomy[:, 0].detach().flatten(0, 1)
        found = canny(slices, settings.sigma, settings.low, settings.high)
        return found.view_as(anatomy[:, 0])[:, None] * brain

    def restored_code(self, edges: Tensor, brain: Tensor) -> Tensor:
        """The anatomical code that the restorer imagines for edges."""
        return self.restorer(torch.cat([edges, brain], 1)).float()

    def pseudo_healthy(self, images: Tensor, brain: Tensor) -> Tensor:
        """Volumes as healthy ones in their own modality."""
        edges = self.edges(self.anatomy(images, brain).image, brain)
        return self.combine(self.restored_code(edges, brain), self.modality(images, brain), brain)


class _ModulatedBlock(nn.Module):
    """`networks.film.FiLMBlock` in 3D."""

    def __init__(self, channels: int, condition: int):
        super().__init__()
        self.first = nn.Conv3d(channels, channels, 3, padding=1)
        self.second = nn.Conv3d(channels, channels, 3, padding=1)
        self.modulation = nn.Linear(condition, 2 * channels)

    def forward(self, maps: Tensor, vector: Tensor) -> Tensor:
        start = F.leaky_relu(self.first(maps), SLOPE)
        gamma, beta = self.modulation(vector)[:, :, None, None, None].chunk(2, dim=1)
        return start + F.leaky_relu(gamma * self.second(start) + beta, SLOPE)


def _unet(inputs: int, outputs: int, base: int) -> nn.Module:
    from monai.networks.nets import BasicUNet  # slow to load

    widths = (base, base, 2 * base, 4 * base, 8 * base, base)
    return BasicUNet(spatial_dims=3, in_channels=inputs, out_channels=outputs, features=widths)


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    layer = nn.Conv3d(inputs, outputs, 3, padding=1, bias=False)
    return nn.Sequential(layer, nn.InstanceNorm3d(outputs, affine=True), nn.LeakyReLU(SLOPE))


def _features(base: int) -> nn.Sequential:
    widths = [1, base, 2 * base, 4 * base]
    pairs = zip(widths, widths[1:], strict=False)
    # Without normalisation: it would take out the brightness and contrast that make a modality.
    layers = [(nn.Conv3d(a, b, 3, stride=2, padding=1), nn.LeakyReLU(SLOPE)) for a, b in pairs]
    return nn.Sequential(*(part for pair in layers for part in pair))


def _check(images: Tensor, brain: Tensor) -> None:
    shape = tuple(images.shape)
    if len(shape) != 5 or shape[1] != 1 or any(side % MULTIPLE for side in shape[2:]):
        raise ValueError(
            f"images have the shape {shape}, expected (batch, 1, depth, height, width) of multiples of {MULTIPLE}"
        )
    if tuple(brain.shape) != shape:
        raise ValueError(f"brain has the shape {tuple(brain.shape)}, but images {shape}")
