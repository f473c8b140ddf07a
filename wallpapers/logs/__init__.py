"""Format log records, mask secrets in them, and show them on a terminal."""
