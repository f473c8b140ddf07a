"""Observe a run: its progress, its summary and its log."""
