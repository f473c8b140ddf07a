"""What the commands beside crawl do: verify, retry and doctor."""
