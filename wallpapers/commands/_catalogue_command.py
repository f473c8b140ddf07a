"""Run a command that works on an existing catalogue: usage, settings, errors, exit status."""

from __future__ import annotations

import argparse
from abc import abstractmethod

from scrapy.exceptions import UsageError

from wallpapers.commands._settings import ChecksSettings
from wallpapers.commands._shared import quiet_on_closed_output, report_error
from wallpapers.errors import SettingError, StoreError, UserError
from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.program import program_name
from wallpapers.storage.address import folder_of
from wallpapers.storage.local import LocalStorage


class CatalogueCommand(ChecksSettings):
    """A mixin for commands that read or change what a crawl has stored, without crawling.

    A command parses its options and prints in ``execute``. By default, it takes no argument.
    """

    requires_project = True
    requires_crawler_process = False

    @abstractmethod
    def execute(self, args: list[str], opts: argparse.Namespace) -> int:
        """Do the work, and return the exit status. Raises UserError and StoreError."""

    def check_usage(self, args: list[str], opts: argparse.Namespace) -> None:
        """Raise UsageError if the arguments or options are wrong."""
        if args:
            raise UsageError(f"{program_name()} {self.name} takes no argument, got {args[0]!r}")

    def syntax(self) -> str:
        return "[options]"

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        self.check_usage(args, opts)
        try:
            with quiet_on_closed_output(self):
                self.check_settings()
                self.exitcode = self.execute(args, opts)
        except (UserError, StoreError) as error:
            self.exitcode = report_error(error)
        except KeyboardInterrupt:
            self.exitcode = ExitStatus.INTERRUPTED

    @property
    def name(self) -> str:
        """The name of the command, which Scrapy takes from its module."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def store_address(self) -> str:
        """The setting IMAGES_STORE."""
        assert self.settings is not None
        return str(self.settings["IMAGES_STORE"])

    def local_store(self) -> LocalStorage:
        """Return the store. Raises SettingError if it is not a folder."""
        uri = self.store_address
        if folder_of(uri) is None:
            raise SettingError(f"{self.name} supports folders only; IMAGES_STORE is {uri!r}")
        return LocalStorage(uri)
