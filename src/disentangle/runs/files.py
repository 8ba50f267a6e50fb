"""Writing so that nothing is ever half-written: aside first, then renamed."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from pathlib import Path


def write_atomically(path: Path | str, content: str | bytes) -> Path:
    """Write a file whole or not at all, and return its path.

    Raises OSError that names the file and the free space where the disk is full; the file as it
    was before stays, and nothing else is left behind.
    """
    path = Path(path)
    content = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.writing")
    try:
        with open(aside, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        raise _explained(error, path, len(content)) from error
    finally:
        aside.unlink(missing_ok=True)
    return path


def replace_folder(aside: Path, final: Path) -> None:
    """Put the folder ``aside`` in the place of ``final``, which is removed where it exists."""
    old = final.with_name(f".{final.name}.{uuid.uuid4().hex[:8]}.old")
    if final.exists():
        os.replace(final, old)
    os.replace(aside, final)
    shutil.rmtree(old, ignore_errors=True)


def _explained(error: OSError, path: Path, size: int) -> OSError:
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return error
    free = shutil.disk_usage(path.parent).free / 2**20
    return OSError(
        error.errno,
        f"disk full: {path.name} needs {size / 2**20:.2f} MiB, {free:.2f} MiB are free; nothing was changed",
        str(path),
    )
