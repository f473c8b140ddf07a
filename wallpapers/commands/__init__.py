"""Commands of ``scrapy``: parse options, call a module and print the result."""
