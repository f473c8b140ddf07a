"""Implement the commands that work on a store and its catalogue, and ``scrapy doctor``."""
