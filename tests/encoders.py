"""Pictures made by other encoders than Pillow's."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from tests.pictures import noise

# mozjpeg, libspng, libwebp, cgif and libaom, as libvips builds and drives them.
LIBVIPS: dict[str, dict[str, Any]] = {
    "vips.jpg": {"Q": 80},
    "vips-progressive.jpg": {"interlace": True, "trellis_quant": True, "optimize_scans": True},
    "vips-restart.jpg": {"restart_interval": 4, "subsample_mode": "off"},
    "vips.png": {"compression": 9, "filter": "all"},
    "vips-interlaced.png": {"interlace": True},
    "vips-palette.png": {"palette": True},
    "vips.webp": {"Q": 70, "smart_subsample": True},
    "vips-lossless.webp": {"lossless": True},
    "vips.gif": {"interlace": True},
    "vips.avif": {"effort": 1},
    "vips-10bit.avif": {"effort": 1, "bitdepth": 10},
    "vips-animated.webp": {"page_height": 64},
    "vips-animated.gif": {"page_height": 64},
}

CJPEG = {
    "cjpeg.jpg": "cjpeg -quality 80 -outfile OUT PPM",
    "cjpeg-progressive.jpg": "cjpeg -progressive -outfile OUT PPM",
    "cjpeg-grey.jpg": "cjpeg -grayscale -outfile OUT PPM",
    "cjpeg-restart.jpg": "cjpeg -restart 1 -optimize -outfile OUT PPM",
}
CWEBP = {
    "cwebp.webp": "cwebp -quiet -q 70 -m 6 PNG -o OUT",
    "cwebp-lossless.webp": "cwebp -quiet -lossless -metadata all PNG -o OUT",
}
AVIFENC = {
    "avifenc.avif": "avifenc --min 10 --max 30 -s 9 PNG OUT",
    "avifenc-10bit.avif": "avifenc -d 10 -s 9 PNG OUT",
}


def by_libvips(_: Path) -> dict[str, bytes]:
    """Return what the encoders of libvips make."""
    import pyvips

    picture = pyvips.Image.new_from_array(_source())
    return {
        name: picture.write_to_buffer(Path(name).suffix, **options)
        for name, options in LIBVIPS.items()
    }


def by_cjpeg(folder: Path) -> dict[str, bytes]:
    """Return what libjpeg-turbo's program makes."""
    return dict(_by_program(CJPEG, folder))


def by_cwebp(folder: Path) -> dict[str, bytes]:
    """Return what libwebp's program makes."""
    return dict(_by_program(CWEBP, folder))


def by_avifenc(folder: Path) -> dict[str, bytes]:
    """Return what libavif's program makes."""
    return dict(_by_program(AVIFENC, folder))


def _by_program(commands: dict[str, str], folder: Path) -> Iterator[tuple[str, bytes]]:
    words = {"PPM": str(folder / "source.ppm"), "PNG": str(folder / "source.png")}
    for path in words.values():
        _source().save(path)
    for name, command in commands.items():
        target = folder / name
        words["OUT"] = str(target)
        subprocess.run(
            [words.get(word, word) for word in command.split()], check=True, capture_output=True
        )
        yield name, target.read_bytes()


def _source() -> Image.Image:
    return noise(30, 192, 128)
