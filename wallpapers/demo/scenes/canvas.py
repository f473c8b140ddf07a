"""The picture that a scene is painted on, the same at every size: washes, lights and veils."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Sequence

from PIL import Image, ImageChops

from wallpapers.demo.scenes.texture import SMOOTH, gradient, grain, rgb

Point = tuple[float, float]  # fractions of the width and of the height


class Canvas:
    """An RGB picture and the randomness it is painted with.

    Places are fractions of width and height, radii fractions of the shorter side: a seed gives
    the same composition at every size.
    """

    def __init__(self, seed: str, width: int, height: int) -> None:
        self.rng = random.Random(seed)
        self.width = width
        self.height = height
        self.image = Image.new("RGB", (width, height))

    @property
    def aspect(self) -> float:
        """Width over height, which keeps shapes from being stretched."""
        return self.width / self.height

    def fork(self) -> random.Random:
        """Return a new stream of randomness, so that one part never moves the next."""
        return random.Random(self.rng.getrandbits(64))

    def rows(self, top: float, bottom: float) -> tuple[int, int]:
        """Return the first pixel row at *top* and the one after *bottom*, at least one apart."""
        first = min(max(round(top * self.height), 0), self.height - 1)
        return first, min(max(round(bottom * self.height), first + 1), self.height)

    def wash(self, tints: Sequence[str], top: float = 0, bottom: float = 1) -> None:
        """Lay an even gradient of *tints* from *top* to *bottom*, as the ground of all else."""
        first, end = self.rows(top, bottom)
        self.image.paste(gradient((self.width, end - first), tints), (0, first))

    def veil(self, tint: str, mask: Image.Image, top: float = 0, bottom: float = 1) -> None:
        """Lay *tint* from *top* to *bottom*, as thick as the small picture *mask* says."""
        first, end = self.rows(top, bottom)
        self.image.paste(rgb(tint), (0, first), mask.resize((self.width, end - first), SMOOTH))

    def disc(self, at: Point, radius: float, tint: str) -> None:
        """Paint a sun or moon with a soft rim."""
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
        """Let *tint* shine around *at*, *share* strong there, and below *top* only.

        *fall* tells how steeply it fades; *stretch* is the height of the glow over its width.
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
        """Return the picture under a fine grain, so that no gradient shows its steps."""
        return ImageChops.add(self.image, grain(self.image.size), 1, -2)


@functools.cache
def _spot(side: int, share: float, fall: float) -> Image.Image:
    """Return a round light, *share* strong in its middle (cut at 1) and fading as *fall* says."""
    rim = 255 / math.sqrt(2)  # of the circle that just fits into the gradient's square
    curve = [min(share * max(1 - v / rim, 0) ** fall, 1) for v in range(256)]
    spot = Image.radial_gradient("L").point([round(255 * light) for light in curve])
    return spot.reduce(256 // side)
