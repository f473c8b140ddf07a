"""img2dataset over a list of addresses, with all cores and without re-encoding."""

import os
import sys

from img2dataset import download


def main() -> None:
    addresses, store, count, connections = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:5])
    processes = os.cpu_count() or 1
    download(
        url_list=addresses,
        output_folder=store,
        input_format="txt",
        output_format="files",
        processes_count=processes,
        thread_count=max(1, connections // processes),
        number_sample_per_shard=max(2, -(-count // processes)),  # a shard for each process
        disable_all_reencoding=True,
        extract_exif=False,
        timeout=60,
        retries=3,
    )


if __name__ == "__main__":  # its processes import this module again
    main()
