"""``wallpapers gallery``: write a page that shows the stored wallpapers, or serve it."""

from __future__ import annotations

import argparse
import asyncio
import sys
import webbrowser
from functools import partial
from typing import TYPE_CHECKING

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from wallpapers.commands._settings import ChecksSettings
from wallpapers.commands._shared import (
    open_catalogue,
    progress_bar,
    quiet_on_closed_output,
    report_error,
)
from wallpapers.errors import SettingError, StoreError, UserError, message_of
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.program import program_name
from wallpapers.storage.address import folder_of
from wallpapers.storage.local import LocalStorage

if TYPE_CHECKING:
    from wallpapers.gallery.thumbnails import ThumbnailReport


class Command(ChecksSettings, ScrapyCommand):
    """Exit status 0; 3: some images could not be shown; 1 and 5 as for a crawl."""

    requires_project = True
    requires_crawler_process = False

    def syntax(self) -> str:
        return "[options]"

    def short_desc(self) -> str:
        return "Write a page to look at the stored wallpapers, or serve it"

    def long_desc(self) -> str:
        return (
            "Write gallery/index.html into the store (-s IMAGES_STORE), with small copies of all "
            "images. It opens from the folder, without a server and without network access, and "
            "what you star or hide on it is kept in the browser. With --serve, the same page is "
            "served on this machine until Ctrl-C: stars and hidden wallpapers go into the "
            "catalogue, and new wallpapers appear. Exit status: 0, 1 could not start, 3 some "
            "images have no small copy, 5 the store or the catalogue failed."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--open", action="store_true", help="open it in the browser")
        parser.add_argument("--serve", action="store_true", help="serve it until Ctrl-C")
        parser.add_argument(
            "--port", type=int, default=0, help="with --serve: the port (default: a free one)"
        )
        parser.add_argument(
            "--host",
            default="127.0.0.1",
            help="with --serve: the address to listen on (default: %(default)s, which only this "
            "machine can reach)",
        )

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if args:
            raise UsageError(f"{program_name()} gallery takes no argument, got {args[0]!r}")
        if not 0 <= opts.port < 65536:
            raise UsageError(f"--port must be a number from 0 to 65535, got {opts.port}")
        try:
            with quiet_on_closed_output(self):
                self.check_settings()
                store = self._store()
                self.exitcode = self._serve(store, opts) if opts.serve else self._write(store, opts)
        except (UserError, StoreError) as error:
            self.exitcode = report_error(error)
        except KeyboardInterrupt:
            self.exitcode = 0 if opts.serve else ExitStatus.INTERRUPTED

    def _store(self) -> LocalStorage:
        assert self.settings is not None
        uri = str(self.settings["IMAGES_STORE"])
        if folder_of(uri) is None:
            raise SettingError(f"gallery supports folders only; IMAGES_STORE is {uri!r}")
        return LocalStorage(uri)

    def _write(self, store: LocalStorage, opts: argparse.Namespace) -> int:
        from wallpapers.gallery.build import build
        from wallpapers.gallery.thumbnails import Thumbnails, requirements_of

        assert self.settings is not None
        with (
            open_catalogue(self.settings) as catalogue,
            progress_bar() as progress,
        ):
            thumbnails = Thumbnails(catalogue, store, requirements_of(self.settings))
            task = progress.add_task("making thumbnails", total=None)
            report = thumbnails.make_all(partial(progress.advance, task))
            count = build(catalogue, store)
        page = (store.root / "gallery" / "index.html").absolute()
        for path, reason in report.failed.items():
            print(f"no thumbnail: {path}: {reason}")
        print(f"{count:,} wallpapers ({report.made:,} new thumbnails) in {page}")
        if opts.open:
            _open_in_browser(page.as_uri())
        return _status(report)

    def _serve(self, store: LocalStorage, opts: argparse.Namespace) -> int:
        from wallpapers.gallery.server import GalleryServer, is_loopback
        from wallpapers.gallery.thumbnails import requirements_of

        assert self.settings is not None
        server = GalleryServer(
            open_catalogue(self.settings),
            store,
            requirements_of(self.settings),
            opts.host,
            opts.port,
        )
        if not is_loopback(opts.host):
            print(
                f"Warning: other machines can reach {opts.host}. Whoever has the address below can "
                "see, star and hide all wallpapers, and it is sent unencrypted",
                file=sys.stderr,
            )

        def started(address: str) -> None:
            print(f"The gallery is at {address}\nPress Ctrl-C to stop", flush=True)
            if opts.open:
                _open_in_browser(address)

        try:
            asyncio.run(server.run(started))
        except OSError as error:
            raise SettingError(
                f"cannot listen on {opts.host}, port {opts.port}: {message_of(error)}"
            ) from error
        return 0


def _status(report: ThumbnailReport) -> int:
    return ExitStatus.FAILURES if report.failed else ExitStatus.COMPLETE


def _open_in_browser(address: str) -> None:
    if not webbrowser.open(address):
        print("No browser was found; open the address above", file=sys.stderr)
