"""This project's settings, with all work asked for and the reactor watched."""

from benchmarks.programs.gaps import Gaps
from wallpapers import settings
from wallpapers.settings import *  # noqa: F403

EXTENSIONS = {**settings.EXTENSIONS, Gaps: 0}
WALLPAPERS_CHECK = "decode"
IMAGES_THUMBS = {"small": (50, 50), "big": (270, 270)}  # the example of Scrapy's documentation
