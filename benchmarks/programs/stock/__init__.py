"""A Scrapy project of the same shape, with nothing but what Scrapy brings."""
