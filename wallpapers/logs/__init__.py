"""Format log records, and mask secrets in them."""
