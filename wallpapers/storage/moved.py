"""Find files that were moved within a store by their content."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from wallpapers.errors import StoreError
from wallpapers.storage.contract import Storage
from wallpapers.storage.names import is_text


class MovedFiles:
    """Find moved files among those without a row, by size and sha256.

    A file is hashed only if it has the size of a missing one, and at most once.
    """

    def __init__(self, storage: Storage, sizes: Mapping[str, int]) -> None:
        self._storage = storage
        self._paths: defaultdict[int, list[str]] = defaultdict(list)  # by size
        self._checksums: dict[str, str | None] = {}
        for path, size in sizes.items():
            if is_text(path):
                self._paths[size].append(path)

    def has_size(self, size: int) -> bool:
        """Return whether there is a file of this size."""
        return size in self._paths

    def find(self, size: int, checksum: str) -> str | None:
        """Return the path of a file with this size and sha256, or None; blocks on the disk."""
        for path in self._paths.get(size, ()):
            if path not in self._checksums:
                self._checksums[path] = self._checksum(path)
            if self._checksums[path] == checksum:
                return path
        return None

    def _checksum(self, path: str) -> str | None:
        try:
            return self._storage.checksum(path)
        except StoreError:  # not readable
            return None
