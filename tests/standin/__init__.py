"""Faults: one class each on top of the stand-in, named after what it does."""
