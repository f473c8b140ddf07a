"""Spiders only find: each binds a listing to Scrapy."""
