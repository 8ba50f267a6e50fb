"""Moving figures of MR physics: one simulated head under every setting, by the closed forms of the simulator."""

from __future__ import annotations

from itertools import product

import numpy as np
import torch
from matplotlib import pyplot as plt

from disentangle.book.panels import grey_png, picture_axes, still
from disentangle.figures import bare, show
from disentangle.imaging.brain.cohort import make_grid, to_sections
from disentangle.imaging.brain.render import Sections
from disentangle.imaging.brain.sections import person_sections
from disentangle.imaging.brain.sites import Protocol, measured, relaxation
from disentangle.imaging.brain.tissues import HEALTHY
from disentangle.runs.moving import Moving, Part, Slider, key

FIELD_T = 1.5
TR_MS = (300, 500, 800, 1200, 2000, 3000, 4500, 6000)
TE_MS = (10, 20, 40, 60, 80, 100, 120, 150)
TI_MS = (100, 300, 500, 700, 900, 1200, 1500, 1800, 2100, 2500, 3000, 4000)
NAMES = {"csf": "fluid", "gm": "cortex", "deep_gm": "deep grey", "wm": "white"}
SAID = {"csf": "fluid", "gm": "grey matter", "wm": "white matter"}
SIDE = 88


def spin_echo() -> Moving:
    """Repetition and echo time of a spin echo."""
    protocols = {
        key((i, j)): Protocol("T1", "se", FIELD_T, tr, te)
        for (i, tr), (j, te) in product(enumerate(TR_MS), enumerate(TE_MS))
    }
    return _figure(
        "A spin echo, from T1 to T2",
        f"One simulated head at {FIELD_T} T, without noise, scaled to its brightest tissue; beside it, what each tissue "
        "sends.",
        (Slider("TR", tuple(map(str, TR_MS)), "ms", 1), Slider("TE", tuple(map(str, TE_MS)), "ms", 0)),
        protocols,
        still_at={"TR 500 ms, TE 10 ms": "1,0", "TR 4500 ms, TE 100 ms": "6,5"},
    )


def inversion() -> Moving:
    """Inversion time of an inversion recovery with the long times of FLAIR."""
    protocols = {key((i,)): Protocol("FLAIR", "flair", FIELD_T, 9000, 110, ti_ms=ti) for i, ti in enumerate(TI_MS)}
    return _figure(
        "An inversion that makes fluid vanish",
        f"The same head after an inversion pulse, TR 9000 ms, TE 110 ms, {FIELD_T} T. Where fluid sends nothing, this is "
        "FLAIR.",
        (Slider("TI", tuple(map(str, TI_MS)), "ms", TI_MS.index(1800)),),
        protocols,
        still_at={"TI 500 ms": "2", "TI 1800 ms": "7"},
    )


def _head() -> Sections:
    grid = make_grid(SIDE, 7)
    return to_sections(person_sections(3, 0, "healthy", grid, 1.0), 3, 0, "healthy", grid).take(slice(4, 5))


def _figure(
    title: str, caption: str, sliders: tuple, protocols: dict[str, Protocol], still_at: dict[str, str]
) -> Moving:
    shares = _head().maps[0].float() / 255
    states, pictures = {}, {}
    for name, protocol in protocols.items():
        sent = measured(protocol, relaxation(HEALTHY, protocol.field_t))
        pictures[name] = _picture(shares, sent)
        states[name] = {
            "traces": [{"source": grey_png(pictures[name], 3)}, {"y": [round(float(value), 4) for value in sent]}],
            "said": _said(sent),
        }
    return Moving(
        title=title,
        caption=caption,
        alt=f"{title}: {' beside '.join(still_at)} of the same head; which tissues are bright changes.",
        sliders=sliders,
        traces=({"type": "image", "hoverinfo": "skip"}, _bars()),
        layout=_layout(),
        parts=(Part(tuple(range(len(sliders))), states),),
        still=_still({label: pictures[name] for label, name in still_at.items()}),
    )


def _picture(shares: torch.Tensor, sent: torch.Tensor) -> np.ndarray:
    """Each pixel sends what its tissues send; scaled to the brightest of fluid, grey and white matter."""
    mixed = (shares[: len(HEALTHY)] * sent[:, None, None]).sum(0)
    return (mixed / sent[[0, 1, 3]].max()).numpy()


def _said(sent: torch.Tensor) -> str:
    order = [SAID[HEALTHY[at]] for at in torch.argsort(sent, descending=True) if HEALTHY[at] != "deep_gm"]
    return f"Brightest to darkest: {', '.join(order)}."


def _bars() -> dict:
    tissues = [NAMES[name] for name in HEALTHY]
    return {"type": "bar", "x": tissues, "xaxis": "x2", "yaxis": "y2", "marker": {"color": "#0072b2"}}


def _layout() -> dict:
    return picture_axes(1, (0, 0.48)) | {
        "xaxis2": {"domain": [0.62, 1], "anchor": "y2", "tickangle": 0},
        "yaxis2": {"range": [0, 1], "anchor": "x2", "title": {"text": "signal (1: all of water)"}},
        "height": 340,
    }


def _still(pictures: dict[str, np.ndarray]) -> bytes:
    figure, axes = plt.subplots(1, len(pictures), figsize=(2.6 * len(pictures), 2.9), layout="constrained")
    for axis, (label, picture) in zip(axes, pictures.items(), strict=True):
        show(axis, picture)
        bare(axis)
        axis.set_title(label, fontsize=9)
    plt.close(figure)
    return still(figure)
