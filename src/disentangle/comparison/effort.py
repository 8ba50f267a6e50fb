"""How long each method learns, and how fast: steps and learning rates of the grid and of shorter runs.

Steps give every method about the same time on one core: two to two and a half minutes where nothing else runs. Rates
are those of the methods' own chapters. Swap errors on validation heads with seed 0, copying = 1, beside the error of
drawing the own style: SDNet 0.936 (0.290), anatomy learning 0.350 (0.288), PUIR 0.388 (0.344), rotation 0.658 (0.391),
autoencoder 0.694 (0.391), Gaussian VAE 0.592 (0.374), Dirichlet VAE 0.802 (0.438). PUIR with batches of 8 sections, all
sources drawn and half as many steps, which take as long: 0.390 (0.345), so its settings stayed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Effort:
    """Steps and learning rates of every method; ``puir`` has two stages. ``small``: networks for a smoke test."""

    sdnet: int = 800
    uad: int = 600
    puir: tuple[int, int] = (400, 800)
    autoencoder: int = 1200
    sdnet_rate: float = 2e-3
    uad_rate: float = 2e-3
    puir_rate: float = 6e-3
    autoencoder_rate: float = 2e-3
    latent: int = 64
    small: bool = False
    device: str = "cpu"

    def shortened(self, share: float) -> Effort:
        """The same with a share of the steps, at least two each."""
        steps = {name: max(2, round(share * getattr(self, name))) for name in ("sdnet", "uad", "autoencoder")}
        return replace(self, puir=tuple(max(2, round(share * part)) for part in self.puir), **steps)


FULL = Effort()
"""The effort of the grid of cells."""
SMOKE = replace(FULL.shortened(0.005), small=True, latent=16)
