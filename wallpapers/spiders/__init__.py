"""Spiders: each one connects a listing to Scrapy and yields the wallpapers that it lists."""
