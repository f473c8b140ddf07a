"""The settings of Scrapy's template, except for the log, which would cost it more than ours."""

BOT_NAME = "stock"
SPIDER_MODULES = ["benchmarks.programs.stock.spiders"]
ROBOTSTXT_OBEY = False
LOG_LEVEL = "INFO"
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
# Scrapy warns of answers over 32 MiB and lets them be up to 1 GiB; ours are below both.
