"""The square of a short-axis stack that a cohort shows: where it lies, how it is cut out, and the way back.

The window is centred on what moves between the two frames, which is the heart; it needs no outline. Only where
it would cut a drawn structure is it moved, and only where that does not help is the pixel made coarser; the
column ``window`` of the samples says which ("motion", "moved", "coarser"; "middle" where nothing moves).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import ndimage

_SMOOTH, _REACH = 10.0, 40.0  # pixels of the layout: blur before the peak is sought, and heart around the peak


@dataclass(frozen=True)
class Window:
    """A square of ``size`` x ``size`` pixels on a native grid of ``rows`` x ``columns``.

    ``top``, ``left``: its upper left corner in native pixels, may be negative; ``step_row``, ``step_column``:
    native pixels per pixel of the cohort; ``found``: how the place was found.
    """

    top: int
    left: int
    step_row: float
    step_column: float
    size: int
    rows: int
    columns: int
    found: str = "middle"

    @classmethod
    def of_sample(cls, sample: pd.Series, size: int) -> Window:
        """The window of one row of a cohort's samples; ``size`` is the side of its images."""
        return cls(
            top=int(sample["top"]),
            left=int(sample["left"]),
            step_row=float(sample["step_row"]),
            step_column=float(sample["step_column"]),
            size=size,
            rows=int(sample["native_rows"]),
            columns=int(sample["native_columns"]),
        )

    def cut(self, images: np.ndarray) -> np.ndarray:
        """Grey values (slice, row, column) on the native grid -> (slice, size, size).

        Bilinear, smoothed beforehand where the pixel gets coarser; the edge is repeated outside of the picture.
        """
        return self._cut(images, "nearest")

    def cut_labels(self, labels: np.ndarray) -> np.ndarray:
        """Labels (slice, row, column) -> (slice, size, size): the label with the largest share of each pixel.

        0 outside of the picture. Without a change of pixel size nothing is interpolated.
        """
        values = [int(value) for value in np.unique(labels) if value != 0]
        shares = np.stack([self._cut((labels == value).astype(np.float32), "grid-constant") for value in values])
        shares = np.concatenate([1 - shares.sum(axis=0, keepdims=True), shares])
        return np.array([0, *values], labels.dtype)[shares.argmax(axis=0)]

    def _cut(self, values: np.ndarray, outside: str) -> np.ndarray:
        steps = np.array([self.step_row, self.step_column])
        offset = np.array([self.top, self.left]) + steps / 2 - 0.5
        if (steps > 1).any():
            values = ndimage.gaussian_filter(values, (0, *np.maximum(steps - 1, 0) / 2), mode="nearest")
        shape = (self.size, self.size)
        planes = [ndimage.affine_transform(plane, steps, offset, shape, order=1, mode=outside) for plane in values]
        return np.stack(planes)

    def back(self, plane: np.ndarray, order: int) -> np.ndarray:
        """(size, size) -> (rows, columns) of the native grid, 0 outside the window."""
        steps = np.array([self.step_row, self.step_column])
        offset = (0.5 - np.array([self.top, self.left])) / steps - 0.5
        shape = (self.rows, self.columns)
        native = ndimage.affine_transform(plane, 1 / steps, offset, shape, order=order, mode="nearest")
        return np.where(self._inside(), native, np.zeros_like(native))

    def _inside(self) -> np.ndarray:
        rows, columns = np.arange(self.rows) + 0.5, np.arange(self.columns) + 0.5
        bottom, right = self.top + self.size * self.step_row, self.left + self.size * self.step_column
        return ((rows > self.top) & (rows < bottom))[:, None] & ((columns > self.left) & (columns < right))[None]


def place(
    ends: list[np.ndarray],
    drawn: np.ndarray | None,
    steps: tuple[float, float],
    size: int,
    *,
    coarser: float = 1.0,
    margin: int = 0,
) -> Window:
    """The window of one person.

    Parameters
    ----------
    ends
        End-diastole and end-systole, (slice, row, column) each, the same slices; one of them alone, or none
        that moves, gives the middle of the picture.
    drawn
        Bool (row, column): any structure in any slice or frame; None where nothing is drawn.
    steps
        Native pixels per pixel of the cohort, along rows and columns.
    size
        Side of the window in pixels of the cohort.
    coarser
        How much larger than the layout's own pixel the steps are; the search for the heart ignores it.
    margin
        Pixels of the cohort around what is drawn that must be inside too, as far as the picture goes.
    """
    rows, columns = ends[0].shape[-2:]
    centre, found = _moving_centre(ends, np.divide(steps, coarser))
    window = Window(0, 0, *steps, size, rows, columns, found)
    window = _centred(window, centre)
    return window if drawn is None or not drawn.any() else _holding(window, drawn, margin)


def to_native(predicted: np.ndarray, samples: pd.DataFrame) -> list[np.ndarray]:
    """Predictions of a cohort's images on the grids they came from, one array (rows, columns) per image.

    Parameters
    ----------
    predicted
        Labels, integer (image, height, width): each native pixel takes the nearest. Or probabilities, float
        (image, class, height, width), background first: interpolated, then the likeliest class.
    samples
        The rows of ``cohort.samples`` that belong to them.

    Notes
    -----
    Outside the window is background. Where the steps are 1 (HDF5 and PNG layouts, unless coarser) labels come
    back without loss, so that ``to_native(cohort.labels, cohort.samples)`` is the truth on the native grid.
    """
    if len(predicted) != len(samples):
        raise ValueError(f"{len(predicted)} predictions but {len(samples)} rows of samples")
    if predicted.ndim not in (3, 4) or predicted.shape[-1] != predicted.shape[-2]:
        raise ValueError(f"predictions are {predicted.shape}, expected (image, [class,] side, side)")
    if (predicted.ndim == 3) != (np.asarray(predicted).dtype.kind in "iub"):
        raise ValueError("expected integer labels (image, side, side) or float probabilities (image, class, ...)")
    windows = [Window.of_sample(row, predicted.shape[-1]) for _, row in samples.iterrows()]
    if predicted.ndim == 3:
        return [window.back(plane, order=0) for window, plane in zip(windows, predicted, strict=True)]
    return [_likeliest(window, planes) for window, planes in zip(windows, predicted, strict=True)]


def _likeliest(window: Window, planes: np.ndarray) -> np.ndarray:
    native = np.stack([window.back(plane, order=1) for plane in planes])
    return native.argmax(axis=0).astype(np.uint8)  # all are 0 outside the window: the first class, background


def _moving_centre(ends: list[np.ndarray], unit: np.ndarray) -> tuple[np.ndarray, str]:
    """Centre (row, column) of the difference between two frames, weighted around its peak; ``unit``: native
    pixels per pixel of the layout."""
    middle = np.array(ends[0].shape[-2:]) / 2
    if len(ends) < 2 or len(ends[0]) == 0:
        return middle, "middle"
    first, second = (end / max(float(np.percentile(end, 99)), 1e-6) for end in ends[:2])
    change = np.abs(np.clip(first, 0, 1) - np.clip(second, 0, 1)).mean(axis=0)
    if change.max() <= 0:
        return middle, "middle"
    smooth = ndimage.gaussian_filter(change, _SMOOTH * unit, mode="constant")
    peak = np.unravel_index(smooth.argmax(), smooth.shape)
    rows, columns = np.indices(change.shape)
    reach = _REACH * unit
    weight = change * np.exp(-(((rows - peak[0]) / reach[0]) ** 2 + ((columns - peak[1]) / reach[1]) ** 2) / 2)
    return np.array([(weight * rows).sum(), (weight * columns).sum()]) / weight.sum() + 0.5, "motion"


def _centred(window: Window, centre: np.ndarray) -> Window:
    """Around ``centre``, but inside the picture where the picture is larger."""
    extent = window.size * np.array([window.step_row, window.step_column])
    spare = np.array([window.rows, window.columns]) - extent
    corner = np.where(spare > 0, np.clip(centre - extent / 2, 0, np.maximum(spare, 0)), spare / 2)
    top, left = np.rint(corner).astype(int)
    return replace(window, top=int(top), left=int(left))


def _holding(window: Window, drawn: np.ndarray, margin: int) -> Window:
    """The same window, moved as little as holds all that is drawn, or coarser where it is too small."""
    where = np.argwhere(drawn)
    steps = np.array([window.step_row, window.step_column])
    around = np.ceil(margin * steps).astype(int)
    low = np.maximum(where.min(axis=0) - around, 0)
    high = np.minimum(where.max(axis=0) + 1 + around, drawn.shape)
    grow = float(((high - low + 1) / (window.size * steps)).max())
    if grow > 1:
        coarser = replace(window, step_row=float(steps[0] * grow), step_column=float(steps[1] * grow))
        window, steps = replace(_centred(coarser, (low + high) / 2), found="coarser"), steps * grow
    corner = np.array([window.top, window.left])
    nearest = np.clip(corner, np.ceil(high - window.size * steps).astype(int), low)
    if (nearest == corner).all():
        return window
    found = window.found if window.found == "coarser" else "moved"
    return replace(window, top=int(nearest[0]), left=int(nearest[1]), found=found)
