"""Everything that reads and writes stored pictures, on a disk or in a bucket."""
