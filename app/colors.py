"""Colors of the vendor's choice beside ours: text stays readable on whatever is chosen (WCAG 2, contrast 4.5 to 1)."""

from __future__ import annotations

WHITE, BLACK = "#ffffff", "#000000"
TEXT_CONTRAST = 4.5
STEPS = 20


def contrast(one: str, other: str) -> float:
    """The contrast of two colors like `#1f3a5f`: from 1, none, to 21, black on white."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def ink_on(background: str) -> str:
    """White or black, whichever is read better on this."""
    return max((WHITE, BLACK), key=lambda ink: contrast(ink, background))


def readable(color: str, background: str, least: float = TEXT_CONTRAST) -> str:
    """The color itself where it has the contrast, else as little darker or lighter as gives it."""
    toward = _channels(ink_on(background))
    mixed = color
    for step in range(STEPS + 1):
        channels = zip(_channels(color), toward, strict=True)
        mixed = "#" + "".join(f"{start + (end - start) * step // STEPS:02x}" for start, end in channels)
        if contrast(mixed, background) >= least:
            break
    return mixed


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _luminance(color: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    shares = [channel / 255 for channel in _channels(color)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
