"""Scrapy's exporters of text formats, except that what they write is always parseable."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Self, cast
from xml.sax.saxutils import XMLGenerator

from scrapy.exporters import (
    CsvItemExporter,
    JsonItemExporter,
    JsonLinesItemExporter,
    XmlItemExporter,
)
from scrapy.utils.serialize import ScrapyJSONEncoder

if TYPE_CHECKING:
    from json import JSONEncoder
    from xml.sax.xmlreader import AttributesImpl

    from scrapy.crawler import Crawler
    from scrapy.item import Field

    from wallpapers.feeds.files import FeedFile

_SURROGATE = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


class CompleteJsonItemExporter(JsonItemExporter):
    """JSON in one encoding from its first bracket to its last."""

    def __init__(self, file: Any, **options: Any) -> None:
        encoding = options.get("encoding")
        super().__init__(_in_encoding(file, options), **options)
        self.encoder = cast("ScrapyJSONEncoder", _EscapingEncoder(self.encoder, encoding))


class CompleteJsonLinesItemExporter(JsonLinesItemExporter):
    """JSON Lines in one encoding, with a byte order mark only at its beginning."""

    def __init__(self, file: Any, **options: Any) -> None:
        encoding = options.get("encoding")
        super().__init__(_in_encoding(file, options), **options)
        self.encoder = cast("JSONEncoder", _EscapingEncoder(self.encoder, encoding))


class JsonCellsCsvItemExporter(CsvItemExporter):
    """CSV whose lists and results are JSON in their cell, and that adds no second header.

    Rows that are added have the columns of the header that is there. ``safe`` puts a quote before
    texts that a spreadsheet would take for a formula.
    """

    def __init__(
        self,
        file: Any,
        include_headers_line: bool = True,
        *,
        safe: bool = False,
        **options: Any,
    ) -> None:
        begun = bool(file.tell())
        super().__init__(file, include_headers_line=include_headers_line and not begun, **options)
        if include_headers_line and begun:
            self._take_columns(getattr(file, "head", b""))
        self.csv_writer = cast("Any", _Rows(self.csv_writer, safe))

    @classmethod
    def from_crawler(cls, crawler: Crawler, file: Any, **options: Any) -> Self:
        options.setdefault("safe", crawler.settings.getbool("WALLPAPERS_CSV_SAFE"))
        return cls(file, **options)

    def serialize_field(self, field: Mapping[str, Any] | Field, name: str, value: Any) -> Any:
        if isinstance(value, (list, tuple, dict)) and "serializer" not in field:
            try:
                return json.dumps(value, ensure_ascii=False, cls=_CellEncoder)
            except (TypeError, ValueError):  # keys that are no texts, a list in itself
                return str(value)
        return super().serialize_field(field, name, value)

    def _take_columns(self, head: bytes) -> None:
        text = codecs.getincrementaldecoder(self.encoding or "utf-8")().decode(head)
        lines = io.StringIO(text.removeprefix("\ufeff"), newline="")
        columns = next(csv.reader(lines, dialect=self.csv_writer.dialect), [])
        wanted = self.fields_to_export
        if not columns:
            return
        if wanted is None:
            self.fields_to_export = columns
            self._autodetected_fields = True  # Scrapy warns of fields that have no column
        elif list(_names(wanted)) != columns:
            raise ValueError(
                f"the file has the columns {', '.join(columns)}, not those of FEED_EXPORT_FIELDS; "
                "use the same, or overwrite it with -O"
            )


class CompleteXmlItemExporter(XmlItemExporter):
    """XML without characters that XML does not allow, in texts and in names."""

    def __init__(self, file: Any, **options: Any) -> None:
        super().__init__(file, **options)
        self.xg = _ValidXMLGenerator(self.stream, encoding=self.encoding or "utf-8")


class _InEncoding:
    """A file that UTF-8 is written to, in another encoding."""

    def __init__(self, file: FeedFile, encoding: str) -> None:
        self._file = file
        self._encoder = codecs.getincrementalencoder(encoding)()
        if file.tell():
            self._encoder.setstate(0)  # no byte order mark

    def write(self, data: bytes) -> int:
        return self._file.write(self._encoder.encode(data.decode()))


def _in_encoding(file: FeedFile, options: dict[str, Any]) -> Any:
    """Return *file* for an exporter with *options*, which is to write UTF-8."""
    encoding = options.get("encoding")
    if not encoding or codecs.lookup(encoding).name == "utf-8":
        return file
    options["encoding"] = "utf-8"
    return _InEncoding(file, encoding)


class _EscapingEncoder:
    """Writes as a JSON escape what the encoding of the feed lacks, lone surrogates as well."""

    def __init__(self, encoder: JSONEncoder, encoding: str | None) -> None:
        self._encoder = encoder
        self._encoding = encoding or "utf-8"

    def encode(self, value: Any) -> str:
        text = self._encoder.encode(value)
        return text if self._has(text) else re.sub("[^\x00-\x7f]", self._escaped, text)

    def _has(self, text: str) -> bool:
        try:
            text.encode(self._encoding)
        except UnicodeEncodeError:
            return False
        return True

    def _escaped(self, match: re.Match[str]) -> str:
        return match[0] if self._has(match[0]) else json.dumps(match[0])[1:-1]


class _CellEncoder(ScrapyJSONEncoder):
    def default(self, o: Any) -> Any:
        try:
            return super().default(o)
        except TypeError:
            return str(o)


class _Rows:
    """A csv.writer of texts that can be encoded, and that are no formulas where *safe*."""

    def __init__(self, writer: Any, safe: bool) -> None:
        self._writer = writer
        self._safe = safe

    def writerow(self, row: Iterable[Any]) -> Any:
        return self._writer.writerow([self._cell(value) for value in row])

    def _cell(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        text = _SURROGATE.sub(_REPLACEMENT, value)
        return f"'{text}" if self._safe and text.startswith(_FORMULA) else text


_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _names(fields: Mapping[str, str] | Iterable[str]) -> Iterable[str]:
    return fields.values() if isinstance(fields, Mapping) else fields


# Compiled when an XML feed needs them: that takes a tenth of a second.
@cache
def _no_text() -> re.Pattern[str]:
    return re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@cache
def _no_name() -> re.Pattern[str]:
    """Return the pattern of what is no letter of a name in any edition of XML 1.0."""
    return re.compile(
        "[^A-Za-z0-9_.\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u0131\u0410-\u044f"
        "\u3041-\u3094\u30a1-\u30fa\u4e00-\u9fa5\uac00-\ud7a3-]"
    )


class _ValidXMLGenerator(XMLGenerator):
    def __init__(self, out: Any, encoding: str) -> None:
        super().__init__(out, encoding)
        self._target = encoding

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802
        super().startElement(self._valid_name(name), attrs)

    def endElement(self, name: str) -> None:  # noqa: N802
        super().endElement(self._valid_name(name))

    def characters(self, content: str) -> None:
        super().characters(_no_text().sub(_REPLACEMENT, content))

    def _valid_name(self, name: str) -> str:
        """Return *name*, as an element's name may be."""
        valid = _no_name().sub("_", str(name))
        valid = valid.encode(self._target, "replace").decode(self._target).replace("?", "_")
        return valid if valid[:1].isalpha() or valid[:1] == "_" else f"_{valid}"
