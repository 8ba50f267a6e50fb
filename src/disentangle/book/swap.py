"""A moving figure of swaps: the look of one heart turned, step by step, into that of another modality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt

from disentangle.book.panels import grey_png, picture_axes, still
from disentangle.figures import bare, show
from disentangle.imaging.cohort import Cohort
from disentangle.imaging.heart import pairs
from disentangle.runs.moving import Moving, Part, Slider, key
from disentangle.sdnet import ablation, grids, swaps
from disentangle.sdnet.fitted import Fitted
from disentangle.sdnet.train import decode, factors

PAGE = "sdnet"
STEPS, SEED, PAIRS = 800, 0, 40
SHARES = np.linspace(0, 1, 11)
PEOPLE = 4


@dataclass(frozen=True, eq=False)
class Turned:
    """One person's picture, the exact one in the donor's look, and the model's on the way (share, row, column)."""

    kind: str
    source: np.ndarray
    exact: np.ndarray
    decoded: np.ndarray

    def error(self, picture: np.ndarray) -> float:
        """Mean absolute difference from the exact picture."""
        return float(np.abs(picture - self.exact).mean())


def page_model() -> tuple[Fitted, Cohort]:
    """SDNet as the published page trains it, from the cache where it is there, and the test people."""
    training, test = ablation.split_of(ablation.both_modalities())
    config = ablation.configuration(learning_rate=grids.LEARNING_RATE, steps=STEPS).with_training(device="cpu")
    config = ablation.for_side(config, training.images.shape[-1])
    return ablation.trained(training, config, SEED), test


def heart_swap() -> Moving:
    """People, and how much of the donor's look is taken."""
    turned = turned_hearts(*page_model())
    fixed = {
        key((n,)): {"traces": [{"source": grey_png(one.source, 3)}, {}, {"source": grey_png(one.exact, 3)}]}
        for n, one in enumerate(turned)
    }
    moved = {
        key((n, m)): {"traces": [{}, {"source": grey_png(one.decoded[m], 3)}], "said": _said(one, m)}
        for n, one in enumerate(turned)
        for m in range(len(SHARES))
    }
    return Moving(
        title="One heart, another look",
        caption="A test person's picture as it was scanned; as it is drawn from its anatomy and a mixture of its own look and "
        "that of another person in the other modality; and as that other scan would have shown the same heart, which only "
        "a simulator knows.",
        alt="Three pictures of one heart: as scanned, as the model draws it, and as the other modality would show it.",
        sliders=(
            Slider("Heart", tuple(f"{n + 1}: {one.kind}" for n, one in enumerate(turned)), words=True),
            Slider("Share of the other look", tuple(f"{100 * share:.0f}" for share in SHARES), "%", len(SHARES) - 1),
        ),
        traces=tuple({"type": "image", "hoverinfo": "skip", "xaxis": f"x{n}", "yaxis": f"y{n}"} for n in ("", 2, 3)),
        layout=_layout(),
        parts=(Part((0,), fixed), Part((0, 1), moved)),
        still=_still(turned),
        made_of=(PAGE,),
    )


def turned_hearts(fitted: Fitted, test: Cohort) -> list[Turned]:
    """Of each direction, the two pairs that show most of the heart."""
    drawn = swaps.draw_pairs(test, PAIRS, 0, across="modality")
    area = (test.labels[drawn["row"]] > 0).sum((1, 2))
    modality = test.samples["modality"].str.upper().to_numpy()
    kind = np.array([f"{modality[row]} to {modality[donor]}" for row, donor in drawn.to_numpy()])
    chosen = [at for one in np.unique(kind)[::-1] for at in np.argsort(-area * (kind == one))[: PEOPLE // 2]]
    return [_turned(fitted, test, *drawn.iloc[at], kind[at]) for at in chosen]


def _turned(fitted: Fitted, test: Cohort, row: int, donor: int, kind: str) -> Turned:
    found = factors(fitted, test.images[[row, donor]])
    own, other = found.modality
    looks = (1 - SHARES[:, None]) * own + SHARES[:, None] * other
    exact = pairs.in_style(test, np.array([row]), [pairs.style_of(test, donor)])[0, 0]
    decoded = decode(fitted, found.anatomy[:1], looks.astype(np.float32))[:, 0]
    return Turned(kind, test.images[row, 0], exact, decoded)


def _said(one: Turned, step: int) -> str:
    return (
        f"Mean absolute difference from the exact picture: {one.error(one.decoded[step]):.3f}; "
        f"of the picture left as it is: {one.error(one.source):.3f}."
    )


def _layout() -> dict:
    places = {"as scanned": (0, 0.31), "as drawn": (0.345, 0.655), "as it would be": (0.69, 1)}
    axes = {"height": 300}
    for number, (title, domain) in enumerate(places.items(), start=1):
        axes |= picture_axes(number, domain, title)
    return axes


def _still(turned: list[Turned]) -> bytes:
    figure, axes = plt.subplots(2, 3, figsize=(4.8, 3.5), layout="constrained")
    for row, one in zip(axes, turned[:: PEOPLE // 2], strict=True):
        titled = {f"scanned, {one.kind}": one.source, "drawn": one.decoded[-1], "as it would be": one.exact}
        for axis, (title, picture) in zip(row, titled.items(), strict=True):
            show(axis, picture)
            bare(axis)
            axis.set_title(title, fontsize=8)
    plt.close(figure)
    return still(figure)
