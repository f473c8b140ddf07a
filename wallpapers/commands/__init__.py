"""Commands of ``scrapy``: parse options, call a module, print."""
