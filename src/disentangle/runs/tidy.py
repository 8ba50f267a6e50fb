"""Makes an executed notebook fit to be published: nothing of the machine or the clock stays in it."""

from __future__ import annotations

import base64
import binascii
import io
import re
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, UnidentifiedImageError

from disentangle.runs import project
from disentangle.runs.notebooks import KERNELSPEC, name_cells

if TYPE_CHECKING:
    from nbformat import NotebookNode

_CELL_FILE = re.compile(r"[^\s'\"<>(]*[/\\]ipykernel_\d+[/\\]\d+\.py")
_CELL_METADATA = ("papermill", "execution", "lines_to_next_cell")


def tidy(nb: NotebookNode, *folders: Path) -> NotebookNode:
    """The notebook without timings and machine paths, with ids that depend on content; changed in place.

    ``folders`` are further folders of this machine whose paths are removed from outputs.
    """
    places = _machine_paths(folders)
    nb.metadata.clear()
    nb.metadata.update(kernelspec=dict(KERNELSPEC), language_info={"name": "python"})
    for cell in nb.cells:
        for name in _CELL_METADATA:
            cell.metadata.pop(name, None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.metadata["tags"] = ["injected-parameters", "hide-input"]
        if cell.cell_type == "code":
            cell.outputs = [_scrubbed(output, places) for output in cell.outputs]
    name_cells(nb)
    return nb


def scrub(text: str, *folders: Path) -> str:
    """Text without paths of this machine: inside the project relative ones, elsewhere ``...``."""
    return _scrub(text, _machine_paths(folders))


def _machine_paths(folders: tuple[Path, ...]) -> list[tuple[str, str]]:
    """Paths to be replaced, the longest first, with what takes their place."""
    packages = {sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"), sys.prefix, sys.base_prefix}
    places = {str(project.root()): "", **{str(folder): "..." for folder in folders}}
    for folder in (*packages, tempfile.gettempdir(), str(Path.home())):
        places.setdefault(folder, "...")
    both = {**places, **{str(Path(place).resolve()): shown for place, shown in places.items()}}
    return sorted(((p, s) for p, s in both.items() if len(p) > 1), key=lambda pair: -len(pair[0]))


def _scrub(text: str, places: list[tuple[str, str]]) -> str:
    text = _CELL_FILE.sub("this notebook", text)
    for place, shown in places:
        if shown:
            text = text.replace(place, shown)
        else:
            text = text.replace(place + "/", "").replace(place, ".")
    return text


def lighter_png(encoded: str) -> str:
    """The picture (PNG as base64) with a palette of 255 colours, where that makes it smaller.

    Plots and grey images lose nothing that the eye sees, and a page keeps to a third of its size.
    """
    try:
        picture = Image.open(io.BytesIO(base64.b64decode(encoded)))
    except (binascii.Error, UnidentifiedImageError):
        return encoded
    if picture.mode not in ("RGB", "RGBA"):
        return encoded
    opaque = Image.new("RGB", picture.size, "white")
    opaque.paste(picture, mask=picture.getchannel("A") if picture.mode == "RGBA" else None)
    buffer = io.BytesIO()
    opaque.quantize(255, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    lighter = base64.b64encode(buffer.getvalue()).decode("ascii") + "\n"
    return lighter if len(lighter) < len(encoded) else encoded


def _scrubbed(value: Any, places: list[tuple[str, str]], name: str = "") -> Any:
    """The value of an output with every text in it scrubbed, pictures made lighter."""
    if isinstance(value, str):
        if name == "image/png":
            return lighter_png(value)
        return value if name.startswith("image/") and "svg" not in name else _scrub(value, places)
    if isinstance(value, dict):
        for key in value:
            value[key] = _scrubbed(value[key], places, key)
        return value
    if isinstance(value, list):
        return [_scrubbed(item, places, name) for item in value]
    return value
