"""Inspect downloaded files in separate processes: hash, check, decode, make thumbnails.

Hostile bytes can crash a decoder or keep it busy; in a separate process they do not affect the
crawl. An inspector reads one file at a time and returns the result; it writes no file and imports
nothing of Scrapy.
"""
