"""Item pipelines: filter by listed size, and look up, download and store images."""
