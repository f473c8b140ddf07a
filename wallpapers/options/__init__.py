"""The options of a run: spider arguments, settings, filters and optional libraries."""
