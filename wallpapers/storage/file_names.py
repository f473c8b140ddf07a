"""Name image files by a template, such as ``{source}/{listing}/{title} {id}``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter

from wallpapers.errors import SettingError
from wallpapers.images import formats
from wallpapers.storage.names import (
    MAX_BYTES,
    THUMBNAILS,
    clean,
    cut,
    safe_name,
    without_reserved_name,
)

SETTING = "WALLPAPERS_FILE_NAME"
FIELDS = ("source", "listing", "id", "title", "date", "width", "height")
_EXTENSION = re.compile(
    "|".join(re.escape(extension) + "$" for extension in formats.ALL_EXTENSIONS),
    re.IGNORECASE,
)

# A text and the field that follows it, or None at the end.
_Component = list[tuple[str, str | None]]


class FileNames:
    """The paths of images below the store, by the template of WALLPAPERS_FILE_NAME.

    Each component of a path is valid on Linux, macOS and Windows, whatever the values are, and has
    at most 100 bytes; a title is cut. Two wallpapers may get the same path, which the library
    resolves.
    """

    def __init__(self, template: str) -> None:
        """Parse *template*. Raises SettingError if it cannot be used."""
        self._template = template
        parts = _EXTENSION.sub("", template).split("/")
        self._components = [self._read(part) for part in parts]
        # Whether a file under a path can only be that of one wallpaper.
        alone = [part for part in parts if part in ("{source}", "{id}")]
        self.are_unique = len(set(alone)) == 2

    def path(self, values: Mapping[str, object]) -> str:
        """Return the path for the *values* of FIELDS; ``.jpg`` stands for the true extension.

        Empty components are left out; if the last one is empty, the id is used.
        """
        *folders, last = (_name(component, values) for component in self._components)
        names = [*filter(None, folders), last or safe_name(str(values["id"]))]
        if names[0].lower() == THUMBNAILS and len(names) > 1:
            names[0] = f"_{names[0]}"
        return "/".join(names) + ".jpg"

    def _read(self, part: str) -> _Component:
        try:
            parsed = list(Formatter().parse(part))
        except ValueError as error:
            raise self._error(str(error)) from None
        for text, field, spec, conversion in parsed:
            if field is not None and field not in FIELDS:
                known = ", ".join(f"{{{name}}}" for name in FIELDS)
                raise self._error(f"unknown field {{{field}}}; expected some of {known}")
            if spec or conversion:
                raise self._error(f"{{{field}}} takes no format")
            if clean(text).replace(" ", "") != text.strip(" .").replace(" ", ""):
                raise self._error(f"{text!r} has characters that not every file system allows")
        if not part.strip(" ."):
            raise self._error("a folder or file name is empty, '.' or '..'")
        if part.startswith("."):
            raise self._error("a folder or file name begins with a dot")
        return [(text, field) for text, field, _, _ in parsed]

    def _error(self, problem: str) -> SettingError:
        return SettingError(f"{SETTING}: {problem}, got {self._template!r}")


def _name(component: _Component, values: Mapping[str, object]) -> str:
    """Return the name for one component of a path, "" if it has no text."""
    if component[0][0] == "" and component[0][1] != "title" and len(component) == 1:
        value = str(values[component[0][1] or ""])
        return safe_name(value) if value else ""
    texts = {
        field: clean(value) if field == "title" else safe_name(value) if value else ""
        for field, value in ((field, str(values[field])) for _, field in component if field)
    }
    titles = sum(field == "title" for _, field in component)
    fixed = "".join(
        text + ("" if field in (None, "title") else texts[field]) for text, field in component
    )
    if titles:
        texts["title"] = cut(texts["title"], max(MAX_BYTES - len(fixed.encode()), 0) // titles)
    name = "".join(text + (texts[field] if field else "") for text, field in component)
    name = without_reserved_name(re.sub(" {2,}", " ", name).strip(" ."))
    return name if len(name.encode()) <= MAX_BYTES else safe_name(name)
