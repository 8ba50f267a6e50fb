"""Squares of 32 x 32 pixels of 0.7 mm inside the lung of a scan, under several settings."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import ndimage
from scipy.fft import next_fast_len

from disentangle.imaging.lung_ct.degrade import Degradation, averaged, check_possible, degrade
from disentangle.imaging.lung_ct.scans import LungError, Scan

PIXEL_MM, PIXELS = 0.7, 32
STRIDE = 8  # pixels, digest 3.8
LUNG_SHARE = 0.75
BLOCK_MM = 30.0
WINDOW_HU = (-1000.0, 200.0)
COARSEST_MM = 1.5  # a coarser scan holds nothing that a pixel of 0.7 mm could show
_MARGIN = 16  # pixels around the lung: half a patch


@dataclass(frozen=True)
class Window:
    """The part of a slice around the lung on pixels of 0.7 mm; ``rows`` and ``columns`` are places of its pixels on
    the scan's own grid."""

    rows: np.ndarray
    columns: np.ndarray

    def cut(self, picture: np.ndarray, order: int) -> np.ndarray:
        """The picture on the window's pixels; cubic splines (order 3) keep the resolution that linear ones lose."""
        places = np.meshgrid(self.rows, self.columns, indexing="ij")
        return ndimage.map_coordinates(picture.astype(np.float32), places, order=order, mode="nearest")


def window_of(scan: Scan) -> Window:
    """The window that holds the lung of all slices with a margin of at least half a patch."""
    axes = []
    for axis, spacing in ((1, scan.spacing_mm[0]), (2, scan.spacing_mm[1])):
        there = np.flatnonzero(scan.lung.any(axis=(0, 3 - axis)))
        ratio = PIXEL_MM / spacing
        count = next_fast_len(int((there[-1] - there[0]) / ratio) + 1 + 2 * _MARGIN, real=True)
        axes.append(there[0] + (np.arange(count) - _MARGIN) * ratio)
    return Window(*axes)


def locations(scan: Scan, window: Window, allowed: np.ndarray) -> pd.DataFrame:
    """Every place of the sampling grid whose patch is at least three quarters lung and inside the picture.

    ``allowed`` (slice,) says which slices may be used. Columns: slice; top, left (first pixel in the window); row,
    column (centre on the scan's own grid); z_mm; block (places within a cube of 30 mm share one number).
    """
    tables = []
    for index in np.flatnonzero(allowed & scan.lung.any(axis=(1, 2))):
        lung = window.cut(scan.lung[index], order=1) >= 0.5
        sums = np.pad(lung.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
        top, left = np.mgrid[: lung.shape[0] - PIXELS + 1 : STRIDE, : lung.shape[1] - PIXELS + 1 : STRIDE].reshape(
            2, -1
        )
        bottom, right = top + PIXELS, left + PIXELS
        inside = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
        kept = (inside >= LUNG_SHARE * PIXELS**2) & _in_picture(scan, window, top, left)
        tables.append(pd.DataFrame({"slice": index, "top": top[kept], "left": left[kept]}))
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({"slice": [], "top": [], "left": []})
    if table.empty:
        raise LungError(
            f"{scan.subject}: no square of {PIXELS * PIXEL_MM:.0f} mm is {LUNG_SHARE:.0%} lung ({scan.lung_ml:.0f} ml "
            f"of lung, mask from {scan.mask}, {int(allowed.sum())} of {len(allowed)} slices can be used)"
        )
    return _placed(table, scan, window)


def _in_picture(scan: Scan, window: Window, top: np.ndarray, left: np.ndarray) -> np.ndarray:
    rows, columns = scan.hu.shape[1:]
    last = PIXELS - 1
    return (
        (window.rows[top] >= 0)
        & (window.rows[top + last] <= rows - 1)
        & (window.columns[left] >= 0)
        & (window.columns[left + last] <= columns - 1)
    )


def _placed(table: pd.DataFrame, scan: Scan, window: Window) -> pd.DataFrame:
    """The table with centres and blocks."""
    middle = (PIXELS - 1) / 2 * PIXEL_MM
    row = window.rows[table["top"]] + middle / scan.spacing_mm[0]
    column = window.columns[table["left"]] + middle / scan.spacing_mm[1]
    z = scan.z_mm[table["slice"]]
    corner = [z - scan.z_mm[0], row * scan.spacing_mm[0], column * scan.spacing_mm[1]]
    cubes = np.stack([np.floor(part / BLOCK_MM).astype(int) for part in corner], axis=1)
    _, block = np.unique(cubes, axis=0, return_inverse=True)
    return table.assign(row=np.round(row, 2), column=np.round(column, 2), z_mm=z, block=block.ravel())


def some(table: pd.DataFrame, count: int | None, draw: int, subject: str) -> pd.DataFrame:
    """``count`` places of all, by a seed that belongs to the person; fewer are among more. None: all."""
    if count is None or count >= len(table):
        return table.reset_index(drop=True)
    order = np.random.default_rng([draw, zlib.crc32(subject.encode())]).permutation(len(table))
    return table.iloc[np.sort(order[:count])].reset_index(drop=True)


def usable(scan: Scan, settings: Sequence[Degradation], source_f50: float) -> np.ndarray:
    """Which slices can be shown under all settings, (slice,). Raises LungError where a setting cannot be made."""
    if max(scan.spacing_mm) > COARSEST_MM:
        raise LungError(f"{scan.subject}: pixels of {scan.spacing_mm} mm, expected at most {COARSEST_MM} mm")
    allowed = np.ones(len(scan.hu), bool)
    for setting in settings:
        check_possible(setting, source_f50, scan.subject)
        if setting.thickness_mm is not None and scan.gaps:
            raise LungError(
                f"{scan.subject}: setting {setting.name} averages neighbouring slices, but {scan.gaps} are missing in "
                "this series; leave the setting out or use a complete series"
            )
        allowed &= averaged(scan.hu[:, :1, :1], scan.step_mm, setting.thickness_mm)[1]
    return allowed


def render(
    scan: Scan, window: Window, places: pd.DataFrame, settings: Sequence[Degradation], source_f50: float, draw: int
) -> np.ndarray:
    """HU of all places under all settings: (place, setting, PIXELS, PIXELS), float32.

    Noise belongs to person, slice position and acquisition, so it is the same whatever else is loaded.
    """
    shown = np.empty((len(places), len(settings), PIXELS, PIXELS), np.float32)
    person = zlib.crc32(scan.subject.encode())
    volumes = {s.thickness_mm: averaged(scan.hu, scan.step_mm, s.thickness_mm)[0] for s in settings}
    for index, here in places.groupby("slice"):
        key = (draw, person, round((scan.z_mm[index] + 1e5) * 10))
        pictures = {thickness: window.cut(volume[index], order=3) for thickness, volume in volumes.items()}
        for number, setting in enumerate(settings):
            picture = degrade(pictures[setting.thickness_mm], setting, source_f50, PIXEL_MM, key)
            views = np.lib.stride_tricks.sliding_window_view(picture, (PIXELS, PIXELS))
            shown[here.index, number] = views[here["top"], here["left"]]
    return shown


def to_unit(hu: np.ndarray) -> np.ndarray:
    """HU scaled from the lung window to 0..1, clipped."""
    low, high = WINDOW_HU
    return np.clip((hu - low) / (high - low), 0, 1).astype(np.float32)
