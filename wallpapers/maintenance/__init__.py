"""Implement ``scrapy verify``, ``scrapy retry`` and ``scrapy doctor``."""
