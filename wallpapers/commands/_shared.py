"""Share code between the commands: open the catalogue, print errors, handle a closed output."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from scrapy.exceptions import UsageError

from wallpapers.catalogue.existing import open_existing
from wallpapers.catalogue.location import catalogue_url
from wallpapers.errors import SettingError, StoreError, UserError
from wallpapers.logs.masking import mask
from wallpapers.options.suggestions import with_suggestion
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.program import program_name

if TYPE_CHECKING:
    from rich.progress import Progress
    from scrapy.commands import ScrapyCommand
    from scrapy.settings import BaseSettings

    from wallpapers.catalogue.catalogue import Catalogue

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def open_catalogue(settings: BaseSettings, **options: bool) -> Iterator[Catalogue]:
    """Open the existing catalogue of *settings* for the duration of the block.

    *options* are those of ``open_existing``. Raises UserError and StoreError.
    """
    catalogue = open_existing(settings, **options)
    if catalogue is None:
        raise SettingError(
            f"there is no catalogue at {catalogue_url(settings).database}: crawl first, or name "
            "the store with -s IMAGES_STORE=<folder>"
        )
    try:
        yield catalogue
    finally:
        catalogue.close()


def spider_not_found(name: str, names: Iterable[str]) -> UsageError:
    """Return the error for a spider that is not one of *names*."""
    available = sorted(names)
    message = f"spider not found: {name!r}; available: {', '.join(available)}"
    return UsageError(with_suggestion(message, name, available))


def report_error(error: UserError | StoreError) -> int:
    """Print *error* in one line and return its exit status."""
    print(mask(f"{program_name()}: {error}"), file=sys.stderr)
    return ExitStatus.STORE if isinstance(error, StoreError) else ExitStatus.COULD_NOT_START


@contextmanager
def show_progress(description: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show a progress bar during the block; the yielded function advances it."""
    with progress_bar() as progress:
        task = progress.add_task(description, total=total)
        yield partial(progress.advance, task)


def progress_bar() -> Progress:
    """Return a progress bar on stderr, which shows nothing where stderr is not a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def quiet_on_closed_output(command: ScrapyCommand) -> Iterator[None]:
    """End *command* without a traceback if its output is closed, or the disk of its output is full.

    The exit status is OUTPUT_CLOSED, or STORE after a message of one line.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        command.exitcode = ExitStatus.OUTPUT_CLOSED
    except OSError as error:
        if error.errno not in _NO_SPACE or error.filename is not None:
            raise
        _discard_output()
        message = f"output not written: {error.strerror}; free some space, and run again"
        command.exitcode = report_error(StoreError(message))


def _discard_output() -> None:
    """Send the rest to the null device: Python flushes stdout at exit, and would print an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
