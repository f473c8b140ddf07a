"""Picture bytes to facts. Pure: no Scrapy, no files."""
