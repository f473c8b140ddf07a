"""What the log may show."""
