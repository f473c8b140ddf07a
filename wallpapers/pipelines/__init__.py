"""Pipelines only keep or drop, one module each; their order stands in settings.py."""
