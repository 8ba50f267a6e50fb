"""Every cohort by its name: what it is, on what terms, where its files lie, and how to load it.

Loaders are named as strings and imported when asked for, so this module costs nothing to import. Real
sets are looked for in ``DISENTANGLE_DATA/<folder>`` and in ``data.toml`` at the project's root
(``lidc_patches = "/where/it/lies"``); what was read once is kept as a pack (see ``packs``).
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import inspect
import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disentangle.imaging.catalogue import CATALOGUE, DataSet

if TYPE_CHECKING:
    from disentangle.imaging.cohort import Cohort

DATA_FILE = "data.toml"


class DataAbsent(FileNotFoundError):
    """A real data set is not on this machine; the message says how to get it."""


class UnknownData(ValueError):
    """A data name, or an option of a loader, that does not exist."""


@dataclass(frozen=True)
class Check:
    """What a folder check found. ``lines`` are (what, found, expected); ``problems`` are in words."""

    name: str
    folder: Path
    lines: tuple[tuple[str, str, str], ...]
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True where the folder can be loaded."""
        return not self.problems

    def __str__(self) -> str:
        rows = [f"{self.name} in {self.folder}"]
        rows += [f"  {what}: {found} (expected {expected})" for what, found, expected in self.lines]
        rows += [f"  PROBLEM: {problem}" for problem in self.problems]
        return "\n".join([*rows, "  can be loaded" if self.ok else "  cannot be loaded as it is"])


def names() -> list[str]:
    """All data names."""
    return sorted(CATALOGUE)


def entry(name: str) -> DataSet:
    """What is known about a data set. Raises UnknownData with the nearest right name."""
    if name in CATALOGUE:
        return CATALOGUE[name]
    near = difflib.get_close_matches(name, CATALOGUE, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise UnknownData(f"no data set is called {name!r}; {hint}known are {', '.join(names())}")


def load(name: str, *, people: int | None = None, seed: int = 0, **options: Any) -> Cohort:
    """The cohort of that name.

    Parameters
    ----------
    name
        A data name, never a path.
    people
        Only the first so many people, in an order drawn with ``seed``.
    options
        Those of the set's own loader; an unknown one is refused.

    Notes
    -----
    A real set without options comes from its pack; where there is none, or the folder or the loader has
    changed since, it is read from the folder and packed. The values are the same either way.
    """
    known = entry(name)
    loader = _function(known.loader)
    _check_options(name, loader, options)
    if not known.real:
        own = inspect.signature(loader).parameters
        shared = {"people": people, "seed": seed}
        return loader(**{key: value for key, value in shared.items() if key in own}, **options)
    cohort = read(name, folder(name), **options) if options else _packed(name)
    return first_people(cohort, people, seed)


def read(name: str, folder: Path, **options: Any) -> Cohort:
    """Read a real set from its folder, past any pack, rounded as a pack would store it."""
    cohort = _function(entry(name).loader)(Path(folder), **options)
    return _packs().as_packed(cohort, bits=entry(name).bits)


def first_people(cohort: Cohort, people: int | None, seed: int) -> Cohort:
    """The first people of a seeded order; the whole cohort for None or where there are not more."""
    import numpy as np

    if people is None or people >= cohort.people:
        return cohort
    if people < 1:
        raise UnknownData(f"people is {people}, expected at least 1 or None")
    subjects = np.sort(cohort.samples["subject"].unique().astype(str))
    return cohort.of_people(np.random.default_rng(seed).permutation(subjects)[:people])


def folder(name: str) -> Path:
    """Folder of a real set, from DISENTANGLE_DATA or data.toml. Raises DataAbsent."""
    known = entry(name)
    if not known.real:
        raise DataAbsent(f"{name} comes with the package and has no folder")
    candidates = _candidates(known)
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    looked = ", ".join(map(str, candidates)) or f"neither DISENTANGLE_DATA nor {DATA_FILE} names it"
    raise DataAbsent(
        f"the data set {name!r} is not on this machine (looked in: {looked}). {known.how_to_get} Then set "
        f"DISENTANGLE_DATA to the folder that holds {known.folders[0]!r}, or write "
        f'{name} = "FOLDER" into {DATA_FILE} at the root of the project'
    )


def available(name: str, *, packed: bool = True) -> bool:
    """Whether ``load`` would find the data: embedded, packed, or in a folder.

    ``packed`` False asks for ``load`` with options, which reads a real set from its folder and never from its pack.
    """
    if not entry(name).real or (packed and _pack_file(name).is_file()):
        return True
    try:
        return folder(name).is_dir()
    except DataAbsent:
        return False


def checksum(name: str) -> str:
    """Checksum of what ``load(name)`` gives, at the price of a listing where a pack is there.

    Embedded sets: sha256 over the embedded files and the code that turns them into a cohort. Real sets: the
    ``sha256`` of the cohort.
    """
    known = entry(name)
    if known.real:
        return _recorded(name) or _packed(name).sha256
    digest = hashlib.sha256(_code(known).encode())
    here = Path(__file__).parent
    for pattern in known.files:
        for path in sorted(here.glob(pattern)):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def check(name: str, folder: Path | None = None) -> Check:
    """Look through a folder for a data set without loading it: what is there, what is expected."""
    known = entry(name)
    if not known.check:
        return Check(name, Path("."), (("comes with the package", "yes", "yes"),))
    place = globals()["folder"](name) if folder is None else Path(folder)
    if not place.is_dir():
        return Check(name, place, (), (f"{place} is no folder",))
    lines, problems = _function(known.check)(place)
    return Check(name, place, tuple(lines), tuple(problems))


def tried(found: Check) -> Check:
    """The check with what came of reading the folder with the set's own options; one with problems stays as it is.

    No pack is written. Takes the memory that `load` takes.
    """
    if not found.ok or not entry(found.name).real:
        return found
    try:
        cohort = _function(entry(found.name).loader)(found.folder)
    except (ValueError, OSError) as error:
        return replace(found, problems=(f"on loading: {error}",))
    line = ("on loading", f"{cohort.people} people, {len(cohort):,} images", "any number")
    return replace(found, lines=(*found.lines, line))


def packs_folder() -> Path:
    """Where packs lie: DISENTANGLE_PACKS, else ``packs/`` at the root of the project."""
    named = os.environ.get("DISENTANGLE_PACKS")
    return Path(named) if named else _project_root() / "packs"


def fingerprint(name: str, folder: Path, people: int | None = None) -> str:
    """What a pack was made from: the loader's code, and names, sizes and times of the files in the folder.

    A folder beside it that the loader reads as well (see the catalogue) counts too.
    """
    digest = hashlib.sha256(f"{_code(entry(name))} {people}".encode())
    for root in dict.fromkeys([folder, *(folder.parent / other for other in entry(name).beside)]):
        for place, folders, files in os.walk(root):
            folders.sort()
            digest.update(f"{root.name} {os.path.relpath(place, root)}\n".encode())
            for file in sorted(files):
                facts = (Path(place) / file).lstat()
                digest.update(f"{file} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _packed(name: str) -> Cohort:
    """From the pack where it is up to date, else from the folder, which then is packed."""
    packs = _packs()
    if _recorded(name):
        return packs.read_pack(name)
    place = folder(name)
    cohort = read(name, place)
    try:
        made_from = fingerprint(name, place)
        packs.write_pack(cohort, _pack_file(name), bits=entry(name).bits, made_from=made_from, limit=None)
    except OSError:  # read-only or full: the cohort is complete without its pack
        pass
    return cohort


def _recorded(name: str) -> str | None:
    """Checksum of the pack if it is there and neither folder nor loader has changed since."""
    path = _pack_file(name)
    if not path.is_file():
        return None
    meta = _packs().describe_pack(path)
    try:
        place = folder(name)
    except DataAbsent:
        return meta["sha256"]
    fresh = meta["made_from"] in ("", fingerprint(name, place))
    return meta["sha256"] if fresh else None


def _pack_file(name: str) -> Path:
    return packs_folder() / f"{name}.npz"


def _candidates(known: DataSet) -> list[Path]:
    places = []
    if named := os.environ.get("DISENTANGLE_DATA"):
        places += [Path(named) / sub for sub in known.folders]
    table = _project_root() / DATA_FILE
    if table.is_file():
        try:
            entries = tomllib.loads(table.read_text(encoding="utf-8-sig"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UnknownData(f'{table}: {error}; expected lines such as {known.name} = "FOLDER", in UTF-8') from error
        for other in entries:
            _entry_of_table(other, table)
        if not isinstance(entries.get(known.name, ""), str):
            raise UnknownData(f'{table}: {known.name} is {entries[known.name]!r}, expected {known.name} = "FOLDER"')
        if known.name in entries:
            places.append(table.parent / Path(str(entries[known.name])).expanduser())
    return places


def _entry_of_table(name: str, table: Path) -> None:
    """Refuse a line of the table for a set that does not exist: passed over, it would look as if data were absent."""
    try:
        entry(name)
    except UnknownData as error:
        raise UnknownData(f"{table}: {error}") from None


def _check_options(name: str, loader: Callable, options: dict[str, Any]) -> None:
    allowed = [key for key in inspect.signature(loader).parameters if key not in ("folder", "people", "seed")]
    for option in options:
        if option not in allowed:
            near = difflib.get_close_matches(option, allowed, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise UnknownData(f"data set {name!r} has no option {option!r}; {hint}it has {allowed or 'none'}")


def _function(path: str) -> Callable:
    module, _, function = path.partition(":")
    return getattr(importlib.import_module(module), function)


def _code(known: DataSet) -> str:
    source = importlib.import_module("disentangle.runs.source")
    return source.closure_hash(known.loader.partition(":")[0], exclude=source.COSMETIC)


def _packs() -> Any:
    return importlib.import_module("disentangle.imaging.packs")


def _project_root() -> Path:
    project = importlib.import_module("disentangle.runs.project")
    try:
        return project.root()
    except project.ProjectNotFound:
        return Path.cwd()
