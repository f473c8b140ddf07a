"""Find the images in the folder of a store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG

from wallpapers.images import formats
from wallpapers.storage.names import GALLERY, THUMBNAILS
from wallpapers.storage.run_folder import PARTS


def image_files(root: Path, other_store: str) -> Iterator[tuple[str, int]]:
    """Yield path and size of each file below *root* that has the extension of an image.

    Thumbnails and part files are left out, and subfolders with a file named *other_store*, which
    are stores of their own. A path has surrogates for bytes that are not UTF-8. Blocks on the disk.
    """
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        if here == root:
            folders[:] = [name for name in folders if name not in (PARTS, THUMBNAILS, GALLERY)]
        elif other_store in names:
            folders.clear()
            continue
        for name in names:
            if name.lower().endswith(formats.ALL_EXTENSIONS):
                with suppress(OSError):  # removed in the meantime
                    status = os.lstat(f"{folder}/{name}")
                    if S_ISREG(status.st_mode):
                        yield (here / name).relative_to(root).as_posix(), status.st_size
