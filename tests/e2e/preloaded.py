"""Import what most commands import, except the reactor; the server of forks imports this once."""

import gc
from importlib import import_module

from scrapy.settings import default_settings
from scrapy.utils.misc import load_object, walk_modules_iter

for name in (
    "rich.progress",
    "scrapy.cmdline",
    "scrapy.core.downloader.handlers.http11",
    "scrapy.core.engine",
    "scrapy.dupefilters",
    "scrapy.pqueues",
    "scrapy.squeues",
    "scrapy.statscollectors",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite",
    "wallpapers.catalogue.catalogue",
    "wallpapers.fastpath.downloader",
    "wallpapers.maintenance.verify",
    "wallpapers.settings",
):
    import_module(name)
for package in ("scrapy.commands", "wallpapers.commands", "wallpapers.spiders"):
    list(walk_modules_iter(package))
for components in (
    default_settings.DOWNLOADER_MIDDLEWARES_BASE,
    default_settings.EXTENSIONS_BASE,
    default_settings.SPIDER_MIDDLEWARES_BASE,
):
    for path in components:
        load_object(path)

# A collection in a forked process need not copy the pages of what was imported here.
gc.freeze()
