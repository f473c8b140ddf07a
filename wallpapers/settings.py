"""Default settings: each with Scrapy's default, the reason to differ, and the reader.

All other settings have Scrapy's defaults.
"""

from __future__ import annotations

from typing import Any

import scrapy
from scrapy.downloadermiddlewares.cookies import CookiesMiddleware
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.downloadermiddlewares.stats import DownloaderStats
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
)
from scrapy.extensions.feedexport import FeedExporter

from wallpapers import __version__
from wallpapers.downloads.handler import GuardedDownloadHandler
from wallpapers.extensions.log_guard import LogGuard
from wallpapers.extensions.progress import Progress
from wallpapers.extensions.summary import RunSummary
from wallpapers.extensions.unused import UnusedExtensions
from wallpapers.fastpath.addon import FastPath
from wallpapers.feeds.exporter import CheckedFeedExporter
from wallpapers.feeds.formats import (
    CompleteJsonItemExporter,
    CompleteJsonLinesItemExporter,
    CompleteXmlItemExporter,
    JsonCellsCsvItemExporter,
)
from wallpapers.feeds.storages import WholeFileFeedStorage
from wallpapers.logs.formatter import ShownOnlyLogFormatter
from wallpapers.logs.masking import HideSecrets
from wallpapers.middlewares.cookies import OfflineCookiesMiddleware
from wallpapers.middlewares.ledger import RunLedgerMiddleware
from wallpapers.middlewares.redirect import PictureRedirectMiddleware
from wallpapers.middlewares.retry import PatientRetryMiddleware
from wallpapers.middlewares.robotstxt import NamedRobotsTxtMiddleware
from wallpapers.middlewares.stats import PictureStatsMiddleware
from wallpapers.options.settings_check import SettingsCheck
from wallpapers.pipelines.dry_run import DryRunPipeline
from wallpapers.pipelines.images import WallpaperImagesPipeline
from wallpapers.pipelines.listed_size import ListedSizePipeline
from wallpapers.run.addon import Run

# Project. Components are given as classes: Scrapy would load a component twice that is given once
# as a class and once as a string.

BOT_NAME = "wallpapers"
SPIDER_MODULES = ["wallpapers.spiders"]
NEWSPIDER_MODULE = "wallpapers.spiders"
COMMANDS_MODULE = "wallpapers.commands"

ADDONS = {HideSecrets: 0, SettingsCheck: 0, Run: 0, FastPath: 0, UnusedExtensions: 0}

# Filters by the listed size come before the download.
ITEM_PIPELINES = {
    ListedSizePipeline: 100,
    DryRunPipeline: 500,
    WallpaperImagesPipeline: 500,
}

EXTENSIONS = {
    RunSummary: 0,
    Progress: 0,
    LogGuard: 0,
    FeedExporter: None,
    CheckedFeedExporter: 0,
}

# Counts wallpapers after all other spider middlewares, which may drop some.
SPIDER_MIDDLEWARES = {
    RunLedgerMiddleware: 10,
}

# The same positions as Scrapy's own middlewares.
DOWNLOADER_MIDDLEWARES = {
    RobotsTxtMiddleware: None,
    NamedRobotsTxtMiddleware: 100,
    RetryMiddleware: None,
    PatientRetryMiddleware: 550,
    RedirectMiddleware: None,
    PictureRedirectMiddleware: 600,
    CookiesMiddleware: None,
    OfflineCookiesMiddleware: 700,
    DownloaderStats: None,
    PictureStatsMiddleware: 850,
}

# Store, catalogue and image checks. Read by WallpaperImagesPipeline.

IMAGES_STORE = "downloads"
# Path of an image below the store; the true extension is added. Read by WallpaperImagesPipeline.
WALLPAPERS_FILE_NAME = "{source}/{listing}/{id}"
# Apply the filters and write the feeds, but download and store no image. Read by DryRunPipeline.
WALLPAPERS_DRY_RUN = False
# Seconds for one upload to a remote store.
WALLPAPERS_UPLOAD_TIMEOUT = 120.0
# Sizes such as 5G; 0 = no limit. The run ends if the disk has less free space, or if the images in
# the store would take more.
WALLPAPERS_MIN_FREE_SPACE = "0"
WALLPAPERS_MAX_STORE_SIZE = "0"
# Database URL of the catalogue. Default: sqlite:///<IMAGES_STORE>/.catalogue.db, or
# sqlite:///.catalogue.db if the store is remote.
WALLPAPERS_CATALOGUE = ""
# "fetch" or "hide": what becomes of stored wallpapers whose files are gone. "hide" suits users who
# delete what they do not like in a file manager; "fetch" restores a lost disk.
WALLPAPERS_MISSING = "fetch"
# sha512 of known placeholders. This one (200x200, grey, 3,802 bytes) is served by imgsrc.baidu.com
# to clients that it refuses (see aiotieba, issues 63 and 246).
WALLPAPERS_PLACEHOLDERS = [
    "69685bd4475a36f3fac223763fa90fba5118ffc463f35627fbebe0dede1742992a234f8cd6fc072e7ca6b748895a5706d07e056e274c7c4fea7b019243e9b22d",
]
# "structure", "decode" or "strict". "structure" misses damage inside the pixel data, "decode" finds
# it; "strict" also refuses images with structural faults that can be decoded.
WALLPAPERS_CHECK = "structure"
# When to describe what images look like, which `look-alikes`, `find` and `export` need:
# "with_thumbnails" (where the image is decoded anyway, and numpy is installed), "always" or
# "never". The command `look` describes the others.
WALLPAPERS_LOOK = "with_thumbnails"
# Pillow: a warning at 89 million pixels. An 8K wallpaper has 33 million.
WALLPAPERS_MAX_PIXELS = 100_000_000
# Limits for inspecting one image: seconds of processor time, and bytes of memory. The slowest 8K
# image takes 2 s; 512 MiB suffice for 8K images of any format.
WALLPAPERS_DECODE_SECONDS = 10.0
WALLPAPERS_DECODE_MEMORY = 512 * 1024 * 1024

# Requests: slow for listings, fast for images. Read by Scrapy.

# Scrapy's default User-Agent does not identify this project.
USER_AGENT = f"wallpapers/{__version__} Scrapy/{scrapy.__version__}"
DEFAULT_REQUEST_HEADERS = {
    "Accept": "application/json,text/html;q=0.9,*/*;q=0.8",
    "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8",
}
# Listing requests share one slot, whatever their host: one at a time, half a second apart on
# average, with Scrapy's jitter of 50 %.
DOWNLOAD_SLOTS: dict[str, dict[str, Any]] = {"listing": {"concurrency": 1, "delay": 0.5}}
# Scrapy: 16 in total and 8 per host. One of the total is reserved for the listing.
CONCURRENT_REQUESTS = 32
CONCURRENT_REQUESTS_PER_DOMAIN = 16
# Use a shorter path for image requests through Scrapy, if its version is tested. The path also
# enforces CONCURRENT_REQUESTS_PER_DOMAIN, which bursts exceed in Scrapy 2.19. Read by FastPath.
WALLPAPERS_FAST_PATH = True
# Scrapy: 5 MB of pages whose items are pending, about 2,000 wallpapers. A few pages in advance
# suffice to keep downloads running.
SCRAPER_SLOT_MAX_ACTIVE_SIZE = 1_000_000
# Scrapy's default, kept deliberately: the robots.txt of image search sites disallows all programs,
# so obeying it means to download nothing. If it is True and robots.txt disallows the listing, the
# run ends with status 4 and a message.
ROBOTSTXT_OBEY = False
# Scrapy: 180 s in total. Here a slow but steady download may continue, and a stalled one ends after
# the idle time. Seconds. Read by GuardedDownloadHandler.
DOWNLOAD_TIMEOUT = 900
WALLPAPERS_IDLE_TIMEOUT = 30.0
# Scrapy: 20. No image needs more than 5.
REDIRECT_MAX_TIMES = 5
# Scrapy: 2, without a delay. Read by PatientRetryMiddleware.
RETRY_TIMES = 4
# Scrapy's, without the exceptions of Twisted's HTTP client, which is not used and takes 0.1 s to
# import.
RETRY_EXCEPTIONS = [
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    OSError,
]
# Seconds. Read by PatientRetryMiddleware.
WALLPAPERS_PATIENCE_BACKOFF = 1.0  # delay before the first retry; doubles with each retry
WALLPAPERS_PATIENCE_MAX_WAIT = 300.0  # longest Retry-After that is obeyed
WALLPAPERS_PATIENCE_OUTAGE = 600.0  # time to wait for a host that stopped responding
# Scrapy warns about keys that its own get_retry_request() sets, which listing spiders call.
META_COPY_WARN_SKIP_KEYS = ["retry_times", "download_latency"]
# A failed wallpaper is logged in one line by WallpaperImagesPipeline.
RETRY_GIVE_UP_LOG_LEVEL = "DEBUG"

# Security. Read by Scrapy.

# Scrapy: 1 GiB. Applies to the decompressed size, too.
DOWNLOAD_MAXSIZE = 64 * 1024 * 1024
# Scrapy: a warning from 32 MiB on. Large wallpapers are normal.
DOWNLOAD_WARNSIZE = 0
# Scrapy: False.
DOWNLOAD_VERIFY_CERTIFICATES = True
# Scrapy also handles data:, file:, ftp: and s3: addresses. A listing must not use them.
DOWNLOAD_HANDLERS = {
    "http": GuardedDownloadHandler,
    "https": GuardedDownloadHandler,
    **dict.fromkeys(("data", "file", "ftp", "s3")),
}
# Whether addresses in listings and redirects may lead to loopback, private, link-local, carrier,
# multicast or reserved networks. The endpoint given by the user always may. Read by
# GuardedDownloadHandler.
WALLPAPERS_ALLOW_PRIVATE_ADDRESSES = False
# Scrapy: True, with the proxies of the environment. Proxies resolve names themselves, which
# bypasses the check of addresses.
HTTPPROXY_ENABLED = False
# Scrapy: True. A page received instead of an image must not redirect the request.
METAREFRESH_ENABLED = False
# Scrapy: True. Both listen on a port and execute the code that they receive.
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False

# Accounts. None is required by default.

# Sent to wallhaven as X-API-Key, and masked in the log. Read by WallhavenSpider.
WALLPAPERS_WALLHAVEN_API_KEY = ""

# Feeds. Read by Scrapy's exporters.

FEED_STORAGES = {
    "": WholeFileFeedStorage,
    "file": WholeFileFeedStorage,
}
# Scrapy's exporters, with output that can be parsed for every encoding and text.
FEED_EXPORTERS = {
    "json": CompleteJsonItemExporter,
    "xml": CompleteXmlItemExporter,
    "csv": JsonCellsCsvItemExporter,
    **dict.fromkeys(("jsonlines", "jsonl", "jl"), CompleteJsonLinesItemExporter),
}
# Spreadsheets run cells that start with = as formulas. True prefixes such texts with a quote, which
# other readers of the file have to remove. Read by JsonCellsCsvItemExporter.
WALLPAPERS_CSV_SAFE = False
# Scrapy: \u escapes in JSON. Here 国家地理 stays readable.
FEED_EXPORT_ENCODING = "utf-8"
# Scrapy's default, kept deliberately: one line for each item in JSON.
FEED_EXPORT_INDENT = 0

# Log.

# Scrapy: DEBUG, three lines for each wallpaper.
LOG_LEVEL = "INFO"
# Scrapy's formatter creates records below LOG_LEVEL, too.
LOG_FORMATTER = ShownOnlyLogFormatter
# Scrapy: ten lines of versions at the start. `scrapy version -v` prints them.
LOG_VERSIONS: list[str] = []
# Scrapy: 60. Replaced by Progress.
LOGSTATS_INTERVAL = 0
# "auto" (a display and short lines on a terminal, log lines elsewhere), "log" or "off". Read by
# Progress and by the commands that crawl.
WALLPAPERS_PROGRESS = "auto"
WALLPAPERS_PROGRESS_INTERVAL = 10.0  # seconds between two log lines

# Many machines. Read by the workers of a cluster.

# Tasks that a worker performs at the same time; one is a listing, or the images of a page.
WALLPAPERS_CLUSTER_TASKS = 4
# Seconds without a heartbeat after which other workers take over the tasks of a worker. If its
# reactor is blocked for longer, its tasks are done twice.
WALLPAPERS_CLUSTER_LEASE = 30.0
# Requests to one host at the same time by all workers, which divide them. 0 = each worker has
# CONCURRENT_REQUESTS_PER_DOMAIN.
WALLPAPERS_CLUSTER_REQUESTS_PER_DOMAIN = 0

# Shutdown.

# Seconds from the first Ctrl-C, SIGTERM or SIGHUP to the end of the process. Running downloads may
# finish in this time; the rest is left for the next run. Read by the commands.
WALLPAPERS_SHUTDOWN_TIMEOUT = 25.0
