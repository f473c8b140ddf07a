"""Spider and downloader middlewares; a replacement is named after Scrapy's middleware."""
