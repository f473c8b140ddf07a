"""Draw clear nights with the Milky Way or an aurora over dark hills."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from wallpapers.demo.scenes.canvas import Canvas
from wallpapers.demo.scenes.forest import pines
from wallpapers.demo.scenes.terrain import fractal_crest, land
from wallpapers.demo.scenes.texture import SMOOTH, bell, clouds, gradient, levels, mix, rgb
from wallpapers.demo.scenes.water import mirror

SKIES = (  # from the zenith down
    ("#040814", "#0a1630", "#16305a", "#3c5f86"),
    ("#05060f", "#10122e", "#2b2455", "#6a4a78"),
    ("#02080f", "#062029", "#0f4450", "#3f8080"),
    ("#070712", "#151a38", "#3a3763", "#b0727a"),
    ("#03060f", "#0b1a36", "#1d3f66", "#c08f80"),
)
AURORAS = (  # from top to bottom
    ("#6a5bd0", "#3ac6c0", "#57f2a8"),
    ("#b04fd0", "#38d68c", "#8df7a0"),
    ("#8a4fd8", "#3f8fe0", "#4fe8d8"),
    ("#e0609a", "#46d8a0", "#a8f5b0"),
)
STARLIGHT = ("#ffffff", "#dfe8ff", "#cfdcff", "#fff1dc", "#ffe2c4")


def draw_stars(canvas: Canvas) -> None:
    """Paint the Milky Way rising from behind the hills."""
    rng = canvas.rng
    sky = rng.choice(SKIES)
    horizon = rng.uniform(0.72, 0.8)
    canvas.wash(sky, 0, horizon + 0.08)
    band = _milky_way(canvas, mix(sky[2], "#9fb2e0", 0.55), mix(sky[3], "#f0e4f4", 0.75))
    _stars(canvas, 5000, horizon, band)
    _hills(canvas, horizon, mix(sky[0], "#000000", 0.2), mix(sky[2], sky[3], 0.5))


def draw_aurora(canvas: Canvas) -> None:
    """Paint two or three curtains of light, over hills or over a lake."""
    rng = canvas.rng
    sky, hues = rng.choice(SKIES[:3]), rng.choice(AURORAS)
    lake = rng.random() < 0.5
    horizon = rng.uniform(0.62, 0.68) if lake else rng.uniform(0.74, 0.82)
    canvas.wash((*sky[:3], mix(sky[2], sky[3], 0.4)), 0, horizon + 0.08)
    _stars(canvas, 2500, horizon, Image.new("L", (1, 1), 60))
    light = Image.new("RGB", (320, 180))
    colours = gradient(light.size, hues)
    for _ in range(rng.randint(2, 3)):
        curtain = Image.new("RGB", light.size)
        curtain.paste(colours, (0, 0), _curtain(canvas.fork(), light.size))
        light = ImageChops.screen(light, curtain)
    light = light.resize(canvas.image.size, SMOOTH)
    canvas.image = ImageChops.screen(canvas.image, light)
    ground = _lake if lake else _hills
    ground(canvas, horizon, mix(sky[0], "#000000", 0.2), mix(sky[-1], hues[1], 0.3))


def _milky_way(canvas: Canvas, haze: str, core: str) -> Image.Image:
    """Paint the band of the galaxy across the sky; return its density of stars."""
    rng = canvas.fork()
    angle, shift = rng.choice((-1, 1)) * rng.uniform(38, 62), rng.uniform(-0.12, 0.12)
    half = math.ceil(180 * min(canvas.aspect, 1)), math.ceil(180 / max(canvas.aspect, 1))

    def across(band: Image.Image) -> Image.Image:
        sky = Image.new("L", (640, 640))
        sky.paste(band, (0, 320 - band.height // 2))
        sky = sky.rotate(angle, SMOOTH)
        left, top = round(320 + (2 * shift - 1) * half[0]), 320 - half[1]
        return sky.crop((left, top, left + 2 * half[0], top + 2 * half[1]))

    dust = bell(levels(clouds(rng, (640, 60), (9, 3), 6), 0.46, 2.4))
    halo = across(bell(bell(levels(clouds(rng, (640, 200), (14, 5), 5), 0.15, 1.1))))
    heart = bell(levels(clouds(rng, (640, 110), (16, 3), 6), 0.16, 1.7))
    heart.paste(ImageChops.subtract(heart.crop((0, 25, 640, 85)), dust), (0, 25))
    canvas.veil(haze, levels(halo, 0, 0.6))
    canvas.veil(core, levels(across(heart), 0, 0.55))
    return halo


def _stars(canvas: Canvas, count: int, bottom: float, density: Image.Image) -> None:
    """Paint stars, most of them faint: more where *density* is bright, fewer near *bottom*."""
    rng = canvas.fork()
    faint = Image.new("L", canvas.image.size)
    dense = density.tobytes()
    dots = ImageDraw.Draw(faint)
    dot = max(round(min(canvas.image.size) / 1000), 1) - 1
    for _ in range(count):
        x, y, light = rng.random(), rng.random(), rng.random()
        row, column = int(y * bottom * density.height), int(x * density.width)
        if rng.random() * (1 + y) > 0.3 + dense[row * density.width + column] / 160:
            continue
        left, top = int(x * canvas.width), int(y * bottom * canvas.height)
        dots.rectangle((left, top, left + dot, top + dot), fill=round(40 + 200 * light**4))
    canvas.image.paste(rgb("#e6ecff"), (0, 0), faint)
    for _ in range(count // 40):
        at, size = (rng.random(), rng.random() * bottom), rng.random() ** 5
        tint = rng.choice(STARLIGHT)
        canvas.glow(at, 0.0014 + 0.0016 * size, tint, 0.9, fall=1)
        if size > 0.25:
            canvas.glow(at, 0.012 * size, tint, 0.35)


def _curtain(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """Return one curtain of rays with a wavy lower edge."""
    rays = levels(clouds(rng, (size[0], 1), (18, 1), 5), 0.27, 1.6).tobytes()
    hems = clouds(rng, (size[0], 1), (4, 1), 3).tobytes()
    fade = [round(255 * (v / 255) ** 2.2 * min(1, (1 - v / 255) * 9)) for v in range(256)]
    ray = Image.linear_gradient("L").point(fade).crop((0, 0, 1, 256))
    curtain = Image.new("L", size)
    for x, (power, hem) in enumerate(zip(rays, hems, strict=True)):
        length = int(size[1] * (0.3 + 0.35 * power / 255))
        top = int(size[1] * (0.36 + 0.36 * hem / 255)) - length
        light = round(50 + 205 * power / 255)
        curtain.paste(light, (x, top), ray.resize((1, length), Image.Resampling.BILINEAR))
    return curtain.filter(ImageFilter.GaussianBlur(1))


def _hills(canvas: Canvas, horizon: float, dark: str, haze: str) -> None:
    for hill in range(3):
        depth = hill / 2
        rng = canvas.fork()
        base = horizon + (0.94 - horizon) * depth
        crest = [base - 0.07 * h for h in fractal_crest(rng, canvas.aspect, 1.5)]
        tint = mix(dark, haze, 0.32 * (1 - depth))
        trees = pines(rng, crest, canvas.aspect, 0.075) if depth == 1 else ()
        land(canvas, crest, (tint, mix(tint, haze, 0.25 * (1 - depth))), 1, trees)


def _lake(canvas: Canvas, horizon: float, dark: str, haze: str) -> None:
    rng = canvas.fork()
    heights = fractal_crest(rng, canvas.aspect, 1.5)
    shore = [horizon - max(0.05 * (h + 0.9), 0.012) for h in heights]
    land(canvas, shore, (mix(dark, haze, 0.32), mix(dark, haze, 0.5)), 1)
    mirror(canvas, horizon, dark, 0.3)
    bank = [0.99 - 0.07 * h for h in fractal_crest(rng, canvas.aspect, 1.5)]
    land(canvas, bank, (dark, dark), 1, pines(rng, bank, canvas.aspect, 0.075))
