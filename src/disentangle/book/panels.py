"""Small pictures for the pages: grey PNGs of arrays, and still pictures of matplotlib figures."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from disentangle.runs.moving import png

STILL_DPI = 110


def grey_png(picture: np.ndarray, scale: int = 1) -> str:
    """A picture (row, column) in 0..1 as the address of a grey PNG, every pixel ``scale`` times as wide."""
    levels = (np.clip(picture, 0, 1) * 255).round().astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(levels.repeat(scale, 0).repeat(scale, 1)).save(file, "PNG", optimize=True)
    return png(file.getvalue())


def still(figure: Figure) -> bytes:
    """A figure of matplotlib as a PNG on white."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=STILL_DPI, facecolor="white", metadata={"Software": None})
    return file.getvalue()


def picture_axes(number: int, domain: tuple[float, float], title: str = "") -> dict:
    """Axes of a picture: its share of the width, square pixels, no ticks, a title above."""
    suffix = "" if number == 1 else str(number)
    bare = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False}
    return {
        f"xaxis{suffix}": bare
        | {"domain": list(domain), "constrain": "domain", "anchor": f"y{suffix}", "side": "top"}
        | {"title": {"text": title}},
        f"yaxis{suffix}": {**bare, "scaleanchor": f"x{suffix}", "autorange": "reversed", "anchor": f"x{suffix}"},
    }
