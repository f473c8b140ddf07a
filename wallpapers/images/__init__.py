"""Read facts from the bytes of images; no Scrapy, no file access."""
