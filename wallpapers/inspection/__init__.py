"""Look at a picture's bytes in a process of its own: hash, check, decode, thumbnails.

What takes the processor's time, and what hostile bytes may crash, is done beside the crawl, not in
it. Such a process reads one file and answers; it writes nothing, and knows nothing of Scrapy.
"""
