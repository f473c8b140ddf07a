"""``wallpapers gallery``: write a page that shows the stored wallpapers, or serve it."""

from __future__ import annotations

import argparse
import asyncio
import sys
import webbrowser
from contextlib import suppress
from typing import TYPE_CHECKING

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from wallpapers.catalogue.read_only import is_mounted_read_only
from wallpapers.commands._catalogue_command import CatalogueCommand
from wallpapers.commands._shared import open_catalogue, show_progress
from wallpapers.errors import SettingError, StoreError, message_of
from wallpapers.run.exit_status import ExitStatus

if TYPE_CHECKING:
    from wallpapers.gallery.thumbnails import ThumbnailReport
    from wallpapers.storage.local import LocalStorage


class Command(CatalogueCommand, ScrapyCommand):
    """Exit status 0; 3: some images could not be shown; 1 and 5 as for a crawl."""

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
            "--port", type=int, default=0, help="the port for --serve, a free one by default"
        )
        parser.add_argument(
            "--host",
            default="127.0.0.1",
            help="the address for --serve to listen on; by default %(default)s, which only this "
            "machine can reach",
        )

    def check_usage(self, args: list[str], opts: argparse.Namespace) -> None:
        super().check_usage(args, opts)
        if not 0 <= opts.port < 65536:
            raise UsageError(f"--port must be a number from 0 to 65535, got {opts.port}")

    def execute(self, args: list[str], opts: argparse.Namespace) -> int:
        store = self.local_store()
        if not opts.serve:
            return self._write(store, opts)
        with suppress(KeyboardInterrupt):  # which ends it
            self._serve(store, opts)
        return ExitStatus.COMPLETE

    def _write(self, store: LocalStorage, opts: argparse.Namespace) -> int:
        from wallpapers.gallery.build import build
        from wallpapers.gallery.lock import locked_gallery
        from wallpapers.gallery.thumbnails import Thumbnails, requirements_of

        assert self.settings is not None
        if is_mounted_read_only(store.root):
            raise StoreError(
                f"{store.root} is on a read-only file system, where no page can be written; "
                "gallery --serve writes nothing"
            )
        with (
            open_catalogue(self.settings) as catalogue,
            locked_gallery(store),
            show_progress("making thumbnails") as progress,
        ):
            thumbnails = Thumbnails(catalogue, store, requirements_of(self.settings))
            report = thumbnails.make_all(progress)
            count = build(catalogue, store)
        page = (store.root / "gallery" / "index.html").absolute()
        for path, reason in report.failed.items():
            print(f"no thumbnail: {path}: {reason}")
        print(f"{count:,} wallpapers ({report.made:,} new thumbnails) in {page}")
        if opts.open:
            _open_in_browser(page.as_uri())
        return _status(report)

    def _serve(self, store: LocalStorage, opts: argparse.Namespace) -> None:
        from wallpapers.gallery.server import GalleryServer, is_loopback
        from wallpapers.gallery.thumbnails import requirements_of

        assert self.settings is not None
        server = GalleryServer(
            open_catalogue(self.settings, accepts_read_only=True),
            store,
            requirements_of(self.settings),
            opts.host,
            opts.port,
        )
        if not is_loopback(opts.host):
            print(
                f"Warning: other machines can reach {opts.host}. Anyone who has the address below "
                "can see, star and hide all wallpapers, and the address is sent unencrypted",
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


def _status(report: ThumbnailReport) -> int:
    return ExitStatus.FAILURES if report.failed else ExitStatus.COMPLETE


def _open_in_browser(address: str) -> None:
    if not webbrowser.open(address):
        print("No browser was found; open the address above", file=sys.stderr)
