"""Decode the addresses that Baidu's image search scrambles: ``objURL`` and ``fromURL``."""

from __future__ import annotations

# Replaced first, as they stand; letters matter, so nothing is ever lower-cased.
_MARKERS = {"_z2C$q": ":", "_z&e3B": ".", "AzdH3F": "/"}
# Then character by character; what is not named stays.
_SCRAMBLED = "0123456789abcdefghijklmnopqrstuvw"
_PLAIN = "7dgjmoru140852vsnkheb963wtqplifca"
_LETTERS = str.maketrans(_SCRAMBLED, _PLAIN)


def decode(address: str) -> str:
    """Return *address* in plain; one that is plain already is returned as it is.

    Scrambled is what begins with ``ippr``, which is ``http``, or holds one of the markers.
    """
    if address.startswith(("http:", "https:")):
        return address
    if not address.startswith("ippr") and not any(marker in address for marker in _MARKERS):
        return address
    for marker, character in _MARKERS.items():
        address = address.replace(marker, character)
    return address.translate(_LETTERS)
