"""Crawl on many machines: one queue in the catalogue's PostgreSQL, one catalogue, one store."""
