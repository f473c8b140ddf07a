"""The stock project's settings, with the same thumbnails and the reactor watched."""

from benchmarks.programs import full
from benchmarks.programs.gaps import Gaps
from benchmarks.programs.stock.settings import *  # noqa: F403

EXTENSIONS = {Gaps: 0}
IMAGES_THUMBS = full.IMAGES_THUMBS
