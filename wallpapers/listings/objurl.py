"""Decode the addresses that Baidu's image search scrambles: ``objURL`` and ``fromURL``."""

from __future__ import annotations

# Replaced first. They are case-sensitive.
_MARKERS = {"_z2C$q": ":", "_z&e3B": ".", "AzdH3F": "/"}
# Then replaced character by character; other characters stay.
_SCRAMBLED = "0123456789abcdefghijklmnopqrstuvw"
_PLAIN = "7dgjmoru140852vsnkheb963wtqplifca"
_LETTERS = str.maketrans(_SCRAMBLED, _PLAIN)


def decode(address: str) -> str:
    """Return *address* unscrambled; an address that is not scrambled is returned unchanged.

    A scrambled address starts with ``ippr`` (``http``) or contains one of the markers.
    """
    if address.startswith(("http:", "https:")):
        return address
    if not address.startswith("ippr") and not any(marker in address for marker in _MARKERS):
        return address
    for marker, character in _MARKERS.items():
        address = address.replace(marker, character)
    return address.translate(_LETTERS)
