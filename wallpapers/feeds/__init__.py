"""Scrapy's feed exports, completed only by a run that succeeded."""
