"""The stand-in of the endpoint and its pictures: for ``scrapy demo`` and for the tests."""
