"""Check the settings of the command line before a command uses them."""

from __future__ import annotations

import argparse
import logging
import sys
from typing import TYPE_CHECKING

from wallpapers.commands._shared import report_error
from wallpapers.errors import SettingError
from wallpapers.options.environment import ignored_proxy
from wallpapers.options.setting_names import find_misspelled
from wallpapers.options.settings_check import check_early_settings, check_json

if TYPE_CHECKING:
    from scrapy.commands import ScrapyCommand as _Base
else:
    _Base = object  # Scrapy takes each subclass of ScrapyCommand in this package for a command

logger = logging.getLogger(__name__)


class ChecksSettings(_Base):
    """A mixin for commands that checks the settings of the command line (-s)."""

    uses_network = True  # beyond this machine
    _settings_are_checked = False

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Set the settings; end the process with one line if Scrapy could not start with them."""
        assert self.settings is not None
        self._defined_settings = frozenset(self.settings)
        given = [setting.partition("=")[::2] for setting in opts.set]
        self._given_settings = [name for name, _ in given]
        try:
            for name, value in given:
                check_json(self.settings, name, value)
            super().process_options(args, opts)
            if self.requires_crawler_process:
                check_early_settings(self.settings)
        except SettingError as error:
            sys.exit(report_error(error))

    def check_settings(self) -> None:
        """Log a warning for misspelled settings and for an ignored proxy. Raises SettingError.

        A second call has no effect.
        """
        if self._settings_are_checked:
            return
        self._settings_are_checked = True
        assert self.settings is not None
        known = set(self._defined_settings)
        if self.crawler_process:
            loader = self.crawler_process.spider_loader
            for name in loader.list():
                known.update(loader.load(name).custom_settings or ())
        warnings = find_misspelled(self._given_settings, known)
        if self.crawler_process and self.uses_network:
            warnings += ignored_proxy(self.settings)
        for warning in warnings:
            logger.warning("%s", warning)
