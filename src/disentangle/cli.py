"""The command line ``disentangle``: each command loads what it needs when it runs, so ``--help`` is quick."""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, NoReturn

import typer

import disentangle

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, help=disentangle.__doc__)
data_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(data_app, name="data", help="Data sets: what there is, and packs of real ones.")

Assignments = Annotated[
    list[str] | None,
    typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="A parameter; repeat for several."),
]


@app.command("list")
def list_() -> None:
    """Show the notebooks and the published pages."""
    from disentangle.runs import keys, notebooks, pages

    for name in notebooks.names():
        print(f"{name:<24}{notebooks.title_of(notebooks.source_file(name))}")
    print()
    for page in pages.pages().values():
        published = page.executed.is_file()
        state = (keys.is_stale(page.name) and "stale") or "published" if published else "never published"
        given = " ".join(f"{name}={value}" for name, value in page.given.items())
        print(f"page {page.name:<32}{state:<18}{page.notebook} {given}")


@app.command()
def describe(name: str) -> None:
    """Show the parameters of a notebook: types, defaults, allowed values, meaning."""
    from disentangle.runs import notebooks, parameters

    title = notebooks.title_of(notebooks.source_file(name))
    print(f"{name}: {title}\n")
    print(parameters.format_table(parameters.parameter_table(name)))


@app.command()
def run(
    name: str,
    parameter: Assignments = None,
    profile: Annotated[str | None, typer.Option(help="Short for -p profile=...")] = None,
    seed: Annotated[str | None, typer.Option(help="Short for -p seed=...")] = None,
    again: Annotated[bool, typer.Option("--again", help="Run even where the same run is finished.")] = False,
) -> None:
    """Run a notebook, or a page by its name, into runs/NAME/KEY/."""
    from disentangle.runs import execute, notebooks

    given = {key: value for key, value in (("profile", profile), ("seed", seed)) if value is not None}
    for key, value in _assignments(parameter).items():
        if given.get(key, value) != value:
            raise typer.BadParameter(f"--{key} {given[key]} and -p {key}={value} contradict each other")
        given[key] = value
    start = execute.run if name in notebooks.names() else execute.run_page
    done = start(name, given, again=again)
    print(done.notebook)
    if not done.ok:
        _fail(f"{name} failed: {done.record.error}")
    for finding in done.record.findings:
        print(f"  {finding['id']:<60}{_interval(finding)}")


@app.command()
def book() -> None:
    """Run every notebook in the quick profile and render the book from these runs."""
    from disentangle.runs import site

    first, outcomes = site.make_book()
    print(first)
    if any(outcome.failed for outcome in outcomes):
        raise typer.Exit(1)


@app.command()
def publish(
    page: str,
    text: Annotated[bool, typer.Option("--text", help="Only carry changed prose, without running.")] = False,
) -> None:
    """Run a page from a clean commit and put it into the book with its record."""
    from disentangle.runs import publish as publishing

    if text:
        changed = publishing.publish_text(page)
        print(f"{page}: the prose was carried over" if changed else f"{page}: nothing has changed")
    else:
        print(publishing.publish(page).executed)


@app.command()
def cells(
    page: str,
    limit: Annotated[int | None, typer.Option(min=1, help="Compute at most so many.")] = None,
    only: Annotated[str | None, typer.Option(metavar="GLOB", help="Only cells named so.")] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes on this machine (default: one a core)."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Use this Dask cluster."),
    ] = None,
    list_only: Annotated[bool, typer.Option("--list", help="Only show the grid.")] = False,
) -> None:
    """Compute the cells of a page that are missing or stale; show the grid with --list."""
    if list_only:
        return _print_grid(page, only)
    from disentangle.runs.compute import compute

    outcome = compute(page, only=only, limit=limit, workers=workers, scheduler=scheduler)
    print(f"{page}: {len(outcome.finished)} computed, {len(outcome.failed)} failed")
    if outcome.interrupted:
        raise typer.Exit(130)
    if outcome.failed:
        raise typer.Exit(1)


@app.command()
def moving(
    name: Annotated[str | None, typer.Argument(help="A figure of book/moving.yml (default: all).")] = None,
) -> None:
    """Compute the figures that move in the browser, from the published pages' models and cells."""
    from disentangle.runs import moving as figures_that_move

    for figure in [name] if name else figures_that_move.figures():
        print(figures_that_move.draw(figure))


@app.command()
def pdf() -> None:
    """Print the rendered book into _build/disentangle.pdf, with Chromium."""
    from disentangle.runs import printing

    print(printing.print_book())


@app.command()
def claims(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, one object a row.")] = False,
) -> None:
    """Show what the papers claim and what our runs decide about it."""
    from disentangle.runs import claims as ledger
    from disentangle.runs import keys, project
    from disentangle.runs.ledger import with_interval

    rows = ledger.ledger(project.root(), stale=keys.is_stale)
    if as_json:
        print(ledger.to_json(rows))
        return
    for row in json.loads(ledger.to_json(rows)):
        ours = "-" if row.get("value") is None else with_interval(row["value"], row["low"], row["high"])
        finding = row.get("finding") or "-"
        print(f"{row['claim']:14} {row['verdict']:10} {ours:26} {finding}  ({row.get('page') or '-'})")


@app.command()
def check(strict: Annotated[bool, typer.Option("--strict", help="Warnings count too.")] = False) -> None:
    """Check that pairs, records, cells and claims fit together."""
    from disentangle.runs.check import problems

    found = problems()
    for problem in found:
        print(problem)
    if any(strict or not problem.warning for problem in found):
        raise typer.Exit(1)
    print("the book holds together" + (f", {len(found)} warnings" if found else ""))


@app.command()
def pair(
    name: Annotated[str | None, typer.Argument(help="A notebook (default: all).")] = None,
) -> None:
    """Write NAME.ipynb from NAME.py, without outputs."""
    from disentangle.runs import notebooks

    for notebook in [name] if name else notebooks.names():
        print(f"{notebook}.ipynb {'written' if notebooks.sync(notebook) else 'is up to date'}")


@data_app.command("list")
def data_list() -> None:
    """Show the data sets and whether they are on this machine."""
    datasets = import_module("disentangle.imaging.datasets")
    for name in datasets.names():
        known = datasets.entry(name)
        kind = "real grey values" if known.real else "comes with the package"
        print(f"{name:<24}{kind:<26}{'available' if datasets.available(name) else 'absent'}")


@data_app.command("pack")
def data_pack(name: str) -> None:
    """Write the pack of a real data set, which every machine can read, into packs/."""
    print(import_module("disentangle.imaging.packs").pack(name))


@data_app.command("check")
def data_check(
    name: str,
    folder: Annotated[Path | None, typer.Argument()] = None,
    load: Annotated[bool, typer.Option(help="Load it as well, which takes time and memory.")] = True,
) -> None:
    """Say what lies in the folder of a data set, what was expected, and whether it can be loaded."""
    datasets = import_module("disentangle.imaging.datasets")
    report = datasets.check(name, folder)
    report = datasets.tried(report) if load else report
    print(report)
    raise typer.Exit(0 if report.ok else 1)


def main() -> None:
    """Run the command line; errors that say what to do are shown without a traceback."""
    try:
        app()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        if os.environ.get("DISENTANGLE_DEBUG") or not _explains_itself(error):
            raise
        _fail(str(error))


def _explains_itself(error: Exception) -> bool:
    """Whether an error was written for the person at the terminal: ours, and those of the file system."""
    return isinstance(error, OSError) or type(error).__module__.startswith("disentangle.")


def _fail(message: str) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)


def _assignments(pairs: list[str] | None) -> dict[str, str]:
    unfit = [pair for pair in pairs or () if "=" not in pair]
    if unfit:
        raise typer.BadParameter(f"expected NAME=VALUE, found {', '.join(map(repr, unfit))}")
    return dict(pair.split("=", 1) for pair in pairs or ())


def _interval(finding: dict) -> str:
    value = f"{finding['value']:.4g}"
    if finding["low"] is None or finding["high"] is None:
        return value
    return f"{value} [{finding['low']:.4g}, {finding['high']:.4g}]"


def _print_grid(page: str, only: str | None) -> None:
    from disentangle.runs.cells import fitting, states

    shown = fitting(states(page), only)
    for state in shown:
        seconds = state.stored["seconds"] if state.stored else state.cell.seconds
        took = "" if seconds is None else f"{seconds:8.0f} s{'' if state.stored else ' expected'}"
        print(f"{state.state:<9}{state.cell.name:<60}{took}")
    counts = {name: sum(state.state == name for state in shown) for name in ("done", "stale", "missing")}
    print(", ".join(f"{count} {name}" for name, count in counts.items()))
