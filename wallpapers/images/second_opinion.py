"""Decode an image whose structure check failed, to find out whether its pixels are complete.

An image that every viewer shows completely is accepted: a GIF without its trailer, a JPEG without
EOI, a PNG text with a wrong checksum. If the decoder cannot decide, the failed check stands.
"""

from __future__ import annotations

from wallpapers.errors import PictureRefusedError
from wallpapers.images import decoders, jpeg_scans
from wallpapers.images.structure import Buffer


def has_all_pixels(data: Buffer, kind: str, max_pixels: int, memory: int) -> bool:
    """Decode an image whose structure check failed; return whether all of its pixels exist."""
    try:
        if kind == "JPEG":
            return jpeg_scans.are_complete_without_eoi(data, max_pixels, memory)
        with decoders.open_image(data, kind, max_pixels, memory) as image:
            frames = decoders.count_frames(image, kind)
            with decoders.guarded_decoding(image, kind, memory, frames):
                decoders.load_frames(image, range(frames))
    except (PictureRefusedError, MemoryError):
        return False
    return True
