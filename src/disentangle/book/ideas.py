"""The five ideas as pictures for the first page, drawn from the simulators and the published pages' models.

``python -m disentangle.book.ideas`` writes ``book/static/ideas/NAME.svg`` anew.
"""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from disentangle.anatomy_uad.edges import canny
from disentangle.book import swap, walks
from disentangle.figures import bare, colours, show
from disentangle.imaging import datasets
from disentangle.lesion_vae import latent_space, splits, traversals
from disentangle.lesion_vae.train import decode, encode
from disentangle.rotation.latent_rotation import LatentRotation
from disentangle.runs import project
from disentangle.runs.files import write_atomically
from disentangle.sdnet.train import factors

FOLDER = Path("book") / "static" / "ideas"
ARROW = {"arrowstyle": "-|>", "color": "0.35", "lw": 1.5}
MOVED, STEP_SD = "#d55e00", 2.5
SETTINGS = ("a_soft_1mm", "a_standard_1mm", "a_lung_1mm", "b_sharp_1mm")
TISSUE_LEVELS = (0.29, 0.48, 0.72)
WIDTH_IN = 7.6


def lesion_vae() -> Figure:
    """A lesion, its code, the lesion redrawn; and the same with one number of the code moved."""
    models, held_out = walks.page_models()
    fitted = models["GVAE"]
    codes, names = latent_space.lesion_means(encode(fitted, held_out), held_out.samples["lesion"])
    sizes = splits.lesion_table(held_out.samples).loc[names]["lesion_diameter_mm"].to_numpy()
    lesion = int(np.argsort(sizes)[int(walks.UPPER_SHARE * len(sizes))])
    rows = np.flatnonzero(held_out.samples["lesion"] == names[lesion])
    row = rows[np.argmax(held_out.samples["area_mm2"].to_numpy()[rows])]
    code = encode(fitted, held_out.select([row]))[0]
    frame = traversals.Frame.of(codes, simplex=False)
    strongest = int(np.argmax(np.abs(_decoded_change(fitted, frame, code)).mean((1, 2))))
    away = -np.sign(frame.whiten(code[None])[0, strongest]) * STEP_SD
    moved = traversals.walk(frame, code, np.eye(len(code))[[strongest]], np.array([away]))[0, 0]
    drawn = decode(fitted, np.stack([code, moved]).astype(np.float32))[:, 0]
    figure, axes = plt.subplots(2, 3, figsize=(WIDTH_IN, 3.1), width_ratios=[1, 2.2, 1], layout="constrained")
    for line, (numbers, picture) in zip(axes, ((code, drawn[0]), (moved, drawn[1])), strict=True):
        line[1].bar(np.arange(len(numbers)), numbers, color="0.6")
        line[1].bar(strongest, numbers[strongest], color=MOVED)
        line[1].set(xticks=[], ylim=(min(moved.min(), code.min()) - 0.2, max(moved.max(), code.max()) + 0.2))
        _picture(line[2], picture)
        _arrow(line[1], line[2])
    _picture(axes[0, 0], held_out.images[row, 0], "a lesion")
    axes[0, 1].set_title("its code")
    axes[0, 2].set_title("redrawn")
    axes[1, 1].set_title("one number moved", color=MOVED)
    axes[1, 0].axis("off")
    _arrow(axes[0, 0], axes[0, 1])
    return figure


def _decoded_change(fitted, frame: traversals.Frame, code: np.ndarray) -> np.ndarray:
    """How much each single dimension changes the decoded lesion: pictures (dimension, row, column)."""
    ends = traversals.walk(frame, code, np.eye(len(code)), np.array([-STEP_SD, STEP_SD]))
    pictures = traversals.decode_in_blocks(lambda z: decode(fitted, z), ends.reshape(-1, len(code)))
    return np.diff(pictures.reshape(len(code), 2, *pictures.shape[-2:]), axis=1)[:, 0]


def sdnet() -> Figure:
    """One heart, where things are in it, and its picture in the look of another modality beside the truth."""
    fitted, test = swap.page_model()
    heart = swap.turned_hearts(fitted, test)[0]
    found = factors(fitted, heart.source[None, None])
    levels = np.arange(1, found.anatomy.shape[1] + 1)[:, None, None]
    figure, axes = plt.subplots(1, 5, figsize=(WIDTH_IN, 2.0), width_ratios=[1, 1, 0.35, 1, 1], layout="constrained")
    _picture(axes[0], heart.source, "an MR picture")
    _picture(axes[1], (found.anatomy[0] * levels).sum(0) / levels.max(), "where: s", "tab10")
    axes[2].barh(np.arange(found.modality.shape[1]), found.modality[0], color=MOVED)
    axes[2].set(xticks=[], yticks=[])
    axes[2].set_title("how: z", color=MOVED)
    _picture(axes[3], heart.decoded[-1], "s, with z of a CT")
    _picture(axes[4], heart.exact, "what CT shows")
    for left, right in ((0, 1), (2, 3)):
        _arrow(axes[left], axes[right])
    return figure


def rotation() -> Figure:
    """One place of a lung under four settings, and many places before and after the rotation."""
    cohort = datasets.load("lung_phantom", people=40, patches=20, settings=SETTINGS)
    setting, location = (cohort.samples[name].to_numpy() for name in ("setting", "location"))
    described = _described(cohort.images[:, 0])
    turned = LatentRotation().fit(described, setting, location, subject=cohort.samples["subject"].to_numpy())
    figure = plt.figure(figsize=(WIDTH_IN, 2.7), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1, 2.1])
    patches = left.subplots(2, 2)
    first = cohort.images[location == location[0], 0]
    low, high = np.percentile(first, [1, 99])
    for axis, picture in zip(patches.flat, first, strict=True):
        _picture(axis, (picture - low) / (high - low))
    left.suptitle("one place, four settings", fontsize=9)
    planes = right.subplots(1, 2)
    for axis, points, title in zip(
        planes,
        (_plane(described), _plane(turned.transform(described))),
        ("codes", "rotated, axes dropped"),
        strict=True,
    ):
        for name, colour in colours(SETTINGS).items():
            axis.scatter(*points[setting == name].T, s=4, color=colour, alpha=0.6, lw=0, rasterized=True)
        axis.set(xticks=[], yticks=[])
        axis.set_title(title)
    return figure


def _described(patches: np.ndarray) -> np.ndarray:
    """Patches (n, row, column) by mean, spread, and log roughness at three scales, each of spread one."""
    columns = [patches.mean((1, 2)), np.log(patches.std((1, 2)) + 1e-3)]
    for step in (1, 2, 4):
        change = patches[:, step:] - patches[:, :-step]
        columns.append(np.log(change.std((1, 2)) + 1e-3))
    table = np.stack(columns, 1)
    return (table - table.mean(0)) / table.std(0)


def _plane(points: np.ndarray) -> np.ndarray:
    """The two directions of most variance."""
    centred = points - points.mean(0)
    return centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T


def anatomy_uad() -> Figure:
    """A head with a lesion, the edges of its anatomy, the head without the lesion, and the difference."""
    cohort, row = _head("glioma", ("T2",))
    scan, healthy = cohort.images[row, 0], cohort.extra["twins"][row, 0]
    labels = cohort.labels[row]
    anatomy = np.zeros_like(scan)
    for value, level in enumerate(TISSUE_LEVELS, start=1):
        anatomy[labels == value] = level
    edges = canny(torch.from_numpy(anatomy[None]))[0].numpy()
    named = {
        "a scan": scan,
        "edges of its anatomy": edges,
        "as if healthy": healthy,
        "difference, times 3": 3 * np.abs(scan - healthy),
    }
    return _row_of(named)


def puir() -> Figure:
    """One person in four modalities around one description."""
    cohort, row = _head("glioma", ("T1", "T1ce", "T2", "FLAIR"))
    figure, axes = plt.subplots(2, 3, figsize=(WIDTH_IN * 0.75, 3.4), width_ratios=[1, 0.9, 1], layout="constrained")
    places = {"T1": axes[0, 0], "T1ce": axes[1, 0], "T2": axes[0, 2], "FLAIR": axes[1, 2]}
    names = {"T1ce": "T1, contrast agent"}
    for channel, (name, axis) in enumerate(places.items()):
        _picture(axis, cohort.images[row, channel], names.get(name, name))
    for axis in axes[:, 1]:
        axis.axis("off")
    figure.text(
        0.5, 0.5, "one person:\n$X_h$", ha="center", va="center", fontsize=12, bbox={"fc": "white", "ec": "0.35"}
    )
    for axis in places.values():
        at_left = axis in (axes[0, 0], axes[1, 0])
        axis.annotate(
            "",
            xy=(0.44 if at_left else 0.56, 0.5),
            xycoords="figure fraction",
            xytext=(1.02 if at_left else -0.02, 0.5),
            textcoords="axes fraction",
            arrowprops=ARROW | {"arrowstyle": "<|-|>"},
        )
    return figure


def _head(kind: str, modalities: tuple[str, ...]):
    """A simulated head and the section that shows most of its lesion."""
    cohort = datasets.load("brain_sites", people=1, lesions=(kind,), sites=("D",), modalities=modalities, size=112)
    return cohort, int(cohort.masks.reshape(len(cohort.masks), -1).sum(1).argmax())


def _row_of(pictures: dict[str, np.ndarray]) -> Figure:
    figure, axes = plt.subplots(1, len(pictures), figsize=(WIDTH_IN, 2.2), layout="constrained")
    for axis, (title, picture) in zip(axes, pictures.items(), strict=True):
        _picture(axis, picture, title)
    for left, right in zip(axes, axes[1:], strict=False):
        _arrow(left, right)
    return figure


def _picture(axis: Axes, picture: np.ndarray, title: str = "", colour_map: str | None = None) -> None:
    if colour_map:
        axis.imshow(picture, cmap=colour_map, interpolation="nearest")
    else:
        show(axis, picture.astype(float))
    bare(axis)
    axis.set_title(title)


def _arrow(left: Axes, right: Axes) -> None:
    """From the right side of one panel to the left side of the next."""
    left.annotate(
        "", xy=(-0.01, 0.5), xycoords=right.transAxes, xytext=(1.01, 0.5), textcoords=left.transAxes, arrowprops=ARROW
    )


IDEAS = {"lesion_vae": lesion_vae, "sdnet": sdnet, "rotation": rotation, "anatomy_uad": anatomy_uad, "puir": puir}


def as_svg(figure: Figure) -> str:
    """The figure as SVG text without a date, letters drawn as shapes."""
    file = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "disentangle"}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None}, dpi=110)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def main() -> None:
    """Draw all pictures anew."""
    mpl.rcParams.update({"font.size": 9, "axes.titlesize": 9, "axes.spines.top": False, "axes.spines.right": False})
    for name, draw in IDEAS.items():
        figure = draw()
        plt.close(figure)
        print(write_atomically(project.root() / FOLDER / f"{name}.svg", as_svg(figure)))


if __name__ == "__main__":
    main()
