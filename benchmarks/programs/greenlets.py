"""The third way of the tutorial: a pool of greenlets over a patched urllib."""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

from gevent.pool import Pool

from benchmarks.programs import listing


def main() -> None:
    endpoint, store, connections = listing.arguments()
    pool = Pool(connections)
    for address in listing.addresses(endpoint):
        pool.spawn(listing.fetch, address, store)
    pool.join(raise_error=True)


if __name__ == "__main__":
    main()
