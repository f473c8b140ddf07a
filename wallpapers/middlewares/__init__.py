"""Spider and downloader middlewares; those that replace one of Scrapy's are named after it."""
