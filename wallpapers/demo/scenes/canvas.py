"""Provide the canvas of a scene, with gradients, lights and translucent layers."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Sequence

from PIL import Image, ImageChops

from wallpapers.demo.scenes.texture import SMOOTH, gradient, grain, rgb

Point = tuple[float, float]  # fractions of the width and of the height


class Canvas:
    """An RGB image and the random generator of its scene.

    Positions are fractions of width and height, radii fractions of the shorter side. A seed
    therefore gives the same composition at every size.
    """

    def __init__(self, seed: str, width: int, height: int) -> None:
        self.rng = random.Random(seed)
        self.width = width
        self.height = height
        self.image = Image.new("RGB", (width, height))

    @property
    def aspect(self) -> float:
        """The width divided by the height, for shapes that must not be stretched."""
        return self.width / self.height

    def fork(self) -> random.Random:
        """Return a new random generator, so that changes to one part do not affect the next."""
        return random.Random(self.rng.getrandbits(64))

    def rows(self, top: float, bottom: float) -> tuple[int, int]:
        """Return the first pixel row at *top* and the one after *bottom*, at least one apart."""
        first = min(max(round(top * self.height), 0), self.height - 1)
        return first, min(max(round(bottom * self.height), first + 1), self.height)

    def wash(self, tints: Sequence[str], top: float = 0, bottom: float = 1) -> None:
        """Fill the area from *top* to *bottom* with an even gradient of *tints*."""
        first, end = self.rows(top, bottom)
        self.image.paste(gradient((self.width, end - first), tints), (0, first))

    def veil(self, tint: str, mask: Image.Image, top: float = 0, bottom: float = 1) -> None:
        """Blend *tint* in from *top* to *bottom*, with the small image *mask* as opacity."""
        first, end = self.rows(top, bottom)
        self.image.paste(rgb(tint), (0, first), mask.resize((self.width, end - first), SMOOTH))

    def disc(self, at: Point, radius: float, tint: str) -> None:
        """Paint a sun or moon with a soft edge."""
        self._shine(at, radius, tint, _spot(256, 40, 1), stretch=1, top=0)

    def glow(
        self,
        at: Point,
        radius: float,
        tint: str,
        share: float,
        *,
        fall: float = 2,
        stretch: float = 1,
        top: float = 0,
    ) -> None:
        """Paint a glow of *tint* around *at*, with opacity *share* in its centre, below *top* only.

        *fall* is how steeply it fades; *stretch* is its height divided by its width.
        """
        small = radius * min(self.image.size) < 16
        spot = _spot(32 if small else 256, share, fall)
        self._shine(at, radius, tint, spot, stretch=stretch, top=top)

    def _shine(
        self, at: Point, radius: float, tint: str, spot: Image.Image, *, stretch: float, top: float
    ) -> None:
        x, y = at[0] * self.width, at[1] * self.height
        across = max(radius * min(self.image.size), 1)
        down = across * stretch
        left, right = max(int(x - across), 0), min(int(x + across) + 1, self.width)
        upper = max(int(y - down), round(top * self.height), 0)
        lower = min(int(y + down) + 1, self.height)
        if left >= right or upper >= lower:
            return

        def on_spot(edge: int, middle: float, reach: float) -> float:
            return min(max((edge - middle + reach) * spot.width / (2 * reach), 0), spot.width)

        columns = on_spot(left, x, across), on_spot(right, x, across)
        rows = on_spot(upper, y, down), on_spot(lower, y, down)
        part = (columns[0], rows[0], columns[1], rows[1])
        mask = spot.resize((right - left, lower - upper), SMOOTH, part)
        self.image.paste(rgb(tint), (left, upper), mask)

    def finish(self) -> Image.Image:
        """Return the image with fine grain added, which hides the steps of gradients."""
        return ImageChops.add(self.image, grain(self.image.size), 1, -2)


@functools.cache
def _spot(side: int, share: float, fall: float) -> Image.Image:
    """Return a round light with opacity *share* (at most 1) in its centre, fading with *fall*."""
    rim = 255 / math.sqrt(2)  # of the circle that just fits into the gradient's square
    curve = [min(share * max(1 - v / rim, 0) ** fall, 1) for v in range(256)]
    spot = Image.radial_gradient("L").point([round(255 * light) for light in curve])
    return spot.reduce(256 // side)
