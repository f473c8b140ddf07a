"""What we have, what failed and why: one contract, tested on every database it supports."""
