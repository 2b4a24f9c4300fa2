"""Tables and progress on a terminal."""

import sys
from collections.abc import Iterable, Mapping

from ...core.io.files import naming


def print_table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a table; the first column is text, the others are numbers."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    class Plain(Console):
        def on_broken_pipe(self) -> None:  # of ``| head``, which rich ends with status 1
            raise  # what is being handled

    table = Table(box=box.SIMPLE_HEAD)
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="right" if i else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(str, row))
    # A pipe has no width to wrap at.
    Plain(width=None if sys.stdout.isatty() else 200, markup=False, emoji=False).print(table)


def print_columns(
    columns: Mapping[str, Mapping[str, str]], common: Iterable[tuple[str, str]], missing: str
) -> None:
    """Print a table of measures with a column for each target.

    Args:
        columns: by heading, each target's measures by name.
        common: further measures, which are about all of them.
        missing: what stands where a target lacks a measure.
    """
    names = dict.fromkeys(name for column in columns.values() for name in column)
    rows = [(one, *(column.get(one, missing) for column in columns.values())) for one in names]
    rows += [(*row, *[""] * (len(columns) - 1)) for row in common]
    print_table(("measure", *columns), rows)


def progress_bar():
    """A rich progress bar on stderr, shown only to terminals; what is printed comes above it."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        redirect_stdout=sys.stdout.isatty(),
        disable=not console.is_terminal,
    )


def run_course(course) -> None:
    """Run a training, its lines above a bar of its progress."""

    def tell(line: str) -> None:
        with naming("standard output"):  # else it would seem to be about data processes
            print(line, flush=True)

    with progress_bar() as bar:
        task = bar.add_task("training", total=100)
        course.run(tell, lambda progress: bar.update(task, completed=100 * progress))
