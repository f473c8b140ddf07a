"""Copies of a picture like those on the web, to test which are recognized as the same."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from wallpapers.images.look import Look, look

Variant = Callable[[Image.Image], Image.Image]
LANCZOS, BICUBIC, BOX = Image.Resampling.LANCZOS, Image.Resampling.BICUBIC, Image.Resampling.BOX


def scaled(factor: float, resampling: Image.Resampling = LANCZOS) -> Variant:
    def make(picture: Image.Image) -> Image.Image:
        width, height = (round(side * factor) for side in picture.size)
        return picture.resize((width, height), resampling)

    return make


def recompressed(kind: str, quality: int) -> Variant:
    def make(picture: Image.Image) -> Image.Image:
        file = io.BytesIO()
        options: dict[str, Any] = {"method": 0} if kind == "WEBP" else {}
        picture.save(file, kind, quality=quality, **options)
        return Image.open(file).convert("RGB")

    return make


def marked(share: float, *, centred: bool = False) -> Variant:
    """Return what writes a half transparent text that has *share* of the picture's width."""

    def make(picture: Image.Image) -> Image.Image:
        text = Image.new("L", (110, 12))
        ImageDraw.Draw(text).text((1, 0), "wallpapers.example", fill=150)
        width = round(picture.width * share)
        mark = text.resize((width, width * text.height // text.width), BICUBIC)
        left, top = picture.width - mark.width, picture.height - mark.height
        place = (left // 2, top // 2) if centred else (left - left // 50, top - top // 50)
        copy = picture.copy()
        copy.paste("white", place, mark)
        return copy

    return make


def cropped(share: float) -> Variant:
    """Return what cuts *share* of the width and height off, half of it at each side."""

    def make(picture: Image.Image) -> Image.Image:
        return ImageOps.crop(picture, round(min(picture.size) * share / 2))

    return make


def to_ratio(across: int, down: int) -> Variant:
    def make(picture: Image.Image) -> Image.Image:
        width = min(picture.width, picture.height * across // down)
        return ImageOps.fit(picture, (width, width * down // across), LANCZOS)

    return make


def _sharpened(picture: Image.Image) -> Image.Image:
    return scaled(2)(picture).filter(ImageFilter.UnsharpMask(2, 80))


# What a fingerprint of the whole picture must find ...
EASY: dict[str, Variant] = {
    "half": scaled(0.5),
    "small": lambda picture: ImageOps.contain(picture, (320, 320)),
    "enlarged": lambda picture: recompressed("JPEG", 90)(scaled(1.5, BICUBIC)(picture)),
    "doubled": lambda picture: recompressed("JPEG", 90)(scaled(2)(picture)),
    "jpeg": recompressed("JPEG", 30),
    "webp": recompressed("WEBP", 60),
    "marked": marked(0.2),
    "brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.25),
    "saturated": lambda picture: ImageEnhance.Color(picture).enhance(1.6),
    "grey": lambda picture: ImageOps.grayscale(picture).convert("RGB"),
    "blurred": lambda picture: picture.filter(ImageFilter.GaussianBlur(2)),
    "cropped": cropped(0.02),
}
# ... and what it finds sometimes, or never.
HARD: dict[str, Variant] = {
    "big mark": marked(0.8, centred=True),
    "crop of 5 %": cropped(0.05),
    "crop of 10 %": cropped(0.1),
    "16:10": to_ratio(16, 10),
    "4:3": to_ratio(4, 3),
    "for a phone": to_ratio(9, 16),
    "mirrored": ImageOps.mirror,
    "sharpened": _sharpened,
}
ENLARGED = ("enlarged", "doubled")


def looks_of(picture: Image.Image) -> dict[str, Look]:
    """Return the look of *picture* as ``original``, and of each variant by its name."""
    variants = {name: make(picture) for name, make in {**EASY, **HARD}.items()}
    return {name: look(copy) for name, copy in {"original": picture, **variants}.items()}
