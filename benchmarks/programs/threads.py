"""The second way of the tutorial: a producer and consumers that meet at a Condition."""

from __future__ import annotations

import threading
from pathlib import Path

from benchmarks.programs import listing


class Queue:
    """Addresses that wait for a consumer."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._addresses: list[str] = []
        self._closed = False

    def put(self, address: str) -> None:
        with self._condition:
            self._addresses.append(address)
            self._condition.notify()

    def close(self) -> None:
        """Mark the end of the queue."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def take(self) -> str | None:
        """Return the next address; None when there will be no more."""
        with self._condition:
            while not self._addresses and not self._closed:
                self._condition.wait()
            return self._addresses.pop() if self._addresses else None


def consume(queue: Queue, store: Path) -> None:
    while (address := queue.take()) is not None:
        listing.fetch(address, store)


def main() -> None:
    endpoint, store, consumers = listing.arguments()
    queue = Queue()
    threads = [threading.Thread(target=consume, args=(queue, store)) for _ in range(consumers)]
    for thread in threads:
        thread.start()
    for address in listing.addresses(endpoint):
        queue.put(address)
    queue.close()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
