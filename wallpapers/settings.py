"""Every default of the project: what it departs from, why, and who reads it.

A setting that is not named here has Scrapy's own default.
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
from wallpapers.pipelines.images import WallpaperImagesPipeline
from wallpapers.pipelines.listed_size import ListedSizePipeline
from wallpapers.run.addon import Run

# The project. Components are named by class: one that is named once as a class and once as a
# string would be loaded twice.

BOT_NAME = "wallpapers"
SPIDER_MODULES = ["wallpapers.spiders"]
NEWSPIDER_MODULE = "wallpapers.spiders"
COMMANDS_MODULE = "wallpapers.commands"

ADDONS = {HideSecrets: 0, Run: 0, FastPath: 0}

# Filters come before the download, the download comes last.
ITEM_PIPELINES = {
    ListedSizePipeline: 100,
    WallpaperImagesPipeline: 500,
}

EXTENSIONS = {
    RunSummary: 0,
    Progress: 0,
    LogGuard: 0,
    FeedExporter: None,
    CheckedFeedExporter: 0,
}

# After every other spider middleware, which may still drop a wallpaper.
SPIDER_MIDDLEWARES = {
    RunLedgerMiddleware: 10,
}

# Scrapy's own places in the chain.
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

# Where wallpapers rest, and what they must be. Read by WallpaperImagesPipeline.

IMAGES_STORE = "downloads"
# Seconds for one upload to a remote store.
WALLPAPERS_UPLOAD_TIMEOUT = 120.0
# A database URL of what is stored, known and failed. Empty: sqlite:///<IMAGES_STORE>/.catalogue.db,
# or sqlite:///.catalogue.db where the store is remote.
WALLPAPERS_CATALOGUE = ""
# sha512 of pictures that stand for a missing one. This one, 200x200 and grey, 3,802 bytes, is what
# imgsrc.baidu.com serves to whom it does not want to serve (aiotieba, issues 63 and 246).
# Read by WallpaperImagesPipeline.
WALLPAPERS_PLACEHOLDERS = [
    "69685bd4475a36f3fac223763fa90fba5118ffc463f35627fbebe0dede1742992a234f8cd6fc072e7ca6b748895a5706d07e056e274c7c4fea7b019243e9b22d",
]
# "structure", "decode" or "strict": what the first does not see is damage in the midst of a
# picture; with the last, no decoder is asked where the frame is at fault.
WALLPAPERS_CHECK = "structure"
# Pillow only warns at 89 million pixels. An 8K wallpaper has 33 million.
WALLPAPERS_MAX_PIXELS = 100_000_000
# What one picture may cost the process that looks at it: seconds of processor time, and bytes. The
# slowest 8K picture takes 2 s; 512 MiB are enough for one of any format.
WALLPAPERS_DECODE_SECONDS = 10.0
WALLPAPERS_DECODE_MEMORY = 512 * 1024 * 1024

# Towards the source: polite where it lists, fast where it serves pictures. Read by Scrapy.

# Scrapy's default User-Agent would not say who asks.
USER_AGENT = f"wallpapers/{__version__} Scrapy/{scrapy.__version__}"
DEFAULT_REQUEST_HEADERS = {
    "Accept": "application/json,text/html;q=0.9,*/*;q=0.8",
    "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8",
}
# Listing requests have a slot of their own, whatever their host: one at a time, half a second
# apart on the average, with Scrapy's jitter of 50 %.
DOWNLOAD_SLOTS: dict[str, dict[str, Any]] = {"listing": {"concurrency": 1, "delay": 0.5}}
# Scrapy: 16 over all, which pictures use up, and 8 for each host. One is kept for the listing.
CONCURRENT_REQUESTS = 32
CONCURRENT_REQUESTS_PER_DOMAIN = 16
# A shorter way of pictures through Scrapy, where its version is a tested one. It also keeps
# CONCURRENT_REQUESTS_PER_DOMAIN, which a burst passes in Scrapy 2.19. Read by FastPath.
WALLPAPERS_FAST_PATH = True
# Scrapy: 5 MB of pages that wait for their items, some 2,000 wallpapers. A few pages ahead are
# enough to keep the pictures coming.
SCRAPER_SLOT_MAX_ACTIVE_SIZE = 1_000_000
# Scrapy's default too, and a choice: the robots.txt of image search sites forbids every program,
# so obeying it means to fetch nothing. Whoever sets it to True is obeyed: where robots.txt forbids
# the listing, the run ends with status 4 and says so.
ROBOTSTXT_OBEY = False
# Scrapy: 180, and nothing else. A large picture that comes slowly but steadily is not to be cut;
# one that stalls is, after the idle time. Seconds. Read by GuardedDownloadHandler.
DOWNLOAD_TIMEOUT = 900
WALLPAPERS_IDLE_TIMEOUT = 30.0
# Scrapy: 20. No picture needs more than 5.
REDIRECT_MAX_TIMES = 5
# Scrapy: 2, without a pause. Read by PatientRetryMiddleware, as are the seconds below: the first
# pause between two tries, which doubles; the longest that a Retry-After may ask for; and how long
# a host that was there and went away is waited for.
RETRY_TIMES = 4
# Scrapy's without those of Twisted's HTTP client, which has no part in this and takes a tenth of a
# second to import.
RETRY_EXCEPTIONS = [
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    OSError,
]
WALLPAPERS_PATIENCE_BACKOFF = 1.0
WALLPAPERS_PATIENCE_MAX_WAIT = 300.0
WALLPAPERS_PATIENCE_OUTAGE = 600.0
# Scrapy warns of every key that its own get_retry_request() sets, which a listing spider calls.
META_COPY_WARN_SKIP_KEYS = ["retry_times", "download_latency"]
# A failed picture is one line of ours, which counts all its tries.
RETRY_GIVE_UP_LOG_LEVEL = "DEBUG"

# Trust nothing. Read by Scrapy.

# Scrapy: 1 GiB. What a compressed answer inflates to counts.
DOWNLOAD_MAXSIZE = 64 * 1024 * 1024
# Scrapy warns from 32 MiB on; a large wallpaper is no news.
DOWNLOAD_WARNSIZE = 0
# Scrapy does not verify certificates by default.
DOWNLOAD_VERIFY_CERTIFICATES = True
# A listing that names file:///dev/zero or a data: address is not to be obeyed.
DOWNLOAD_HANDLERS = {
    "http": GuardedDownloadHandler,
    "https": GuardedDownloadHandler,
    **dict.fromkeys(("data", "file", "ftp", "s3")),
}
# May an address that the listing or a redirect names lead to a loopback, private, link-local,
# carrier, multicast or reserved network? The endpoint itself, which the user named, always may.
# Read by GuardedDownloadHandler.
WALLPAPERS_ALLOW_PRIVATE_ADDRESSES = False
# Scrapy uses the proxies of the environment, which resolve names themselves: the guard would not
# see what is dialled.
HTTPPROXY_ENABLED = False
# A page that came in place of a picture must not send us elsewhere.
METAREFRESH_ENABLED = False
# Both listen on a port and run whatever code they are sent.
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False

# Accounts. None is needed by default.

# Sent to wallhaven as X-API-Key, and masked in every log. Read by WallhavenSpider.
WALLPAPERS_WALLHAVEN_API_KEY = ""

# Feeds. Read by Scrapy's exporters.

FEED_STORAGES = {
    "": WholeFileFeedStorage,
    "file": WholeFileFeedStorage,
}
# Whatever the encoding and the texts of a source, what they write can be parsed.
FEED_EXPORTERS = {
    "json": CompleteJsonItemExporter,
    "xml": CompleteXmlItemExporter,
    "csv": JsonCellsCsvItemExporter,
    **dict.fromkeys(("jsonlines", "jsonl", "jl"), CompleteJsonLinesItemExporter),
}
# Spreadsheets run a cell that begins with = as a formula. True puts a quote before such texts,
# which every other reader of the file has to take off.
WALLPAPERS_CSV_SAFE = False
# Scrapy would write \u escapes in JSON; 国家地理 is to be read by people.
FEED_EXPORT_ENCODING = "utf-8"
# One line for each item in JSON, not a single one for all.
FEED_EXPORT_INDENT = 0

# The log.

# Scrapy: DEBUG, three lines for each wallpaper.
LOG_LEVEL = "INFO"
# Scrapy makes the records all the same.
LOG_FORMATTER = ShownOnlyLogFormatter
# Scrapy: ten lines before the first of ours. `scrapy version -v` prints them.
LOG_VERSIONS: list[str] = []
# Replaced by the progress of ours.
LOGSTATS_INTERVAL = 0
# "auto" (a display on a terminal, log lines elsewhere), "log" or "off". Read by Progress.
WALLPAPERS_PROGRESS = "auto"
WALLPAPERS_PROGRESS_INTERVAL = 10.0  # seconds between two log lines

# The end.

# Seconds from the first Ctrl-C, SIGTERM or SIGHUP to the end of the process. What is in flight may
# end; what has not ended by then is left for the next run. Read by the commands.
WALLPAPERS_SHUTDOWN_TIMEOUT = 25.0
