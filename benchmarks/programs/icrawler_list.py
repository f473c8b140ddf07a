"""icrawler over a list of addresses, a downloader thread for each connection."""

import logging
import sys
from pathlib import Path

from icrawler.builtin import UrlListCrawler


def main() -> None:
    addresses, store, connections = sys.argv[1], sys.argv[2], int(sys.argv[3])
    crawler = UrlListCrawler(
        downloader_threads=connections,
        storage={"root_dir": store},
        log_level=logging.ERROR,
    )
    # Its default limit is 1,000 pictures. It also counts those under way,
    # so that an exact limit would lose the last ones.
    count = len(Path(addresses).read_text().split())
    crawler.crawl(addresses, max_num=count + connections + 1)


if __name__ == "__main__":
    main()
