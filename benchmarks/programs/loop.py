"""The first way of the tutorial: one picture after the other."""

from benchmarks.programs import listing


def main() -> None:
    endpoint, store, _ = listing.arguments()
    for address in listing.addresses(endpoint):
        listing.fetch(address, store)


if __name__ == "__main__":
    main()
