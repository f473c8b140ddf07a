"""Export Scrapy's feeds, and complete them only after a successful run."""
