"""The stand-in server of ``scrapy demo`` and of the tests, and the images that it serves."""
