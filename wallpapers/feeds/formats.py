"""Export text formats as Scrapy does, but always in a form that can be parsed."""

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
    """Export JSON in one encoding throughout."""

    def __init__(self, file: Any, **options: Any) -> None:
        encoding = options.get("encoding")
        super().__init__(_recoded(file, options), **options)
        self.encoder = cast("ScrapyJSONEncoder", _EscapingEncoder(self.encoder, encoding))


class CompleteJsonLinesItemExporter(JsonLinesItemExporter):
    """Export JSON Lines in one encoding, with a byte order mark only at the start."""

    def __init__(self, file: Any, **options: Any) -> None:
        encoding = options.get("encoding")
        super().__init__(_recoded(file, options), **options)
        self.encoder = cast("JSONEncoder", _EscapingEncoder(self.encoder, encoding))


class JsonCellsCsvItemExporter(CsvItemExporter):
    """Export CSV with lists and results as JSON in their cells.

    Appended rows have the columns of the existing header. If *safe*, texts that a spreadsheet would
    run as formulas are prefixed with a quote.
    """

    def __init__(
        self,
        file: Any,
        include_headers_line: bool = True,
        *,
        safe: bool = False,
        **options: Any,
    ) -> None:
        is_appending = bool(file.tell())
        super().__init__(
            file, include_headers_line=include_headers_line and not is_appending, **options
        )
        if include_headers_line and is_appending:
            self._use_columns_of(getattr(file, "head", b""))
        self.csv_writer = cast("Any", _SafeCsvWriter(self.csv_writer, safe))

    @classmethod
    def from_crawler(cls, crawler: Crawler, file: Any, **options: Any) -> Self:
        options.setdefault("safe", crawler.settings.getbool("WALLPAPERS_CSV_SAFE"))
        return cls(file, **options)

    def serialize_field(self, field: Mapping[str, Any] | Field, name: str, value: Any) -> Any:
        if isinstance(value, (list, tuple, dict)) and "serializer" not in field:
            try:
                return json.dumps(value, ensure_ascii=False, cls=_CellEncoder)
            except (TypeError, ValueError):  # keys other than str, or a circular reference
                return str(value)
        return super().serialize_field(field, name, value)

    def _use_columns_of(self, head: bytes) -> None:
        text = codecs.getincrementaldecoder(self.encoding or "utf-8")().decode(head)
        lines = io.StringIO(text.removeprefix("\ufeff"), newline="")
        columns = next(csv.reader(lines, dialect=self.csv_writer.dialect), [])
        wanted = self.fields_to_export
        if not columns:
            return
        if wanted is None:
            self.fields_to_export = columns
            self._autodetected_fields = True  # makes Scrapy warn about fields without a column
        elif list(_names(wanted)) != columns:
            raise ValueError(
                f"the file has the columns {', '.join(columns)}, not those of FEED_EXPORT_FIELDS; "
                "use the same, or overwrite it with -O"
            )


class CompleteXmlItemExporter(XmlItemExporter):
    """Export XML without invalid characters in texts and element names."""

    def __init__(self, file: Any, **options: Any) -> None:
        super().__init__(file, **options)
        self.xg = _ValidXMLGenerator(self.stream, encoding=self.encoding or "utf-8")


class _Recoder:
    """A file that accepts UTF-8 and writes another encoding."""

    def __init__(self, file: FeedFile, encoding: str) -> None:
        self._file = file
        self._encoder = codecs.getincrementalencoder(encoding)()
        if file.tell():
            self._encoder.setstate(0)  # no byte order mark

    def write(self, data: bytes) -> int:
        return self._file.write(self._encoder.encode(data.decode()))


def _recoded(file: FeedFile, options: dict[str, Any]) -> Any:
    """Return a file for an exporter that writes UTF-8, and set its *options* accordingly."""
    encoding = options.get("encoding")
    if not encoding or codecs.lookup(encoding).name == "utf-8":
        return file
    options["encoding"] = "utf-8"
    return _Recoder(file, encoding)


class _EscapingEncoder:
    """Escape characters that the encoding of the feed lacks, and lone surrogates."""

    def __init__(self, encoder: JSONEncoder, encoding: str | None) -> None:
        self._encoder = encoder
        self._encoding = encoding or "utf-8"

    def encode(self, value: Any) -> str:
        text = self._encoder.encode(value)
        return text if self._can_encode(text) else re.sub("[^\x00-\x7f]", self._escaped, text)

    def _can_encode(self, text: str) -> bool:
        try:
            text.encode(self._encoding)
        except UnicodeEncodeError:
            return False
        return True

    def _escaped(self, match: re.Match[str]) -> str:
        return match[0] if self._can_encode(match[0]) else json.dumps(match[0])[1:-1]


class _CellEncoder(ScrapyJSONEncoder):
    def default(self, o: Any) -> Any:
        try:
            return super().default(o)
        except TypeError:
            return str(o)


class _SafeCsvWriter:
    """A csv.writer that replaces lone surrogates and, if *safe*, quotes formulas."""

    def __init__(self, writer: Any, safe: bool) -> None:
        self._writer = writer
        self._safe = safe

    def writerow(self, row: Iterable[Any]) -> Any:
        return self._writer.writerow([self._cell(value) for value in row])

    def _cell(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        text = _SURROGATE.sub(_REPLACEMENT, value)
        return f"'{text}" if self._safe and text.startswith(_FORMULA_STARTS) else text


_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def _names(fields: Mapping[str, str] | Iterable[str]) -> Iterable[str]:
    return fields.values() if isinstance(fields, Mapping) else fields


# Compiled on first use, because it takes 0.1 s.
@cache
def _invalid_text() -> re.Pattern[str]:
    return re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@cache
def _invalid_name() -> re.Pattern[str]:
    """Match characters that some edition of XML 1.0 does not allow in names."""
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
        super().characters(_invalid_text().sub(_REPLACEMENT, content))

    def _valid_name(self, name: str) -> str:
        """Return *name* as a valid element name."""
        valid = _invalid_name().sub("_", str(name))
        valid = valid.encode(self._target, "replace").decode(self._target).replace("?", "_")
        return valid if valid[:1].isalpha() or valid[:1] == "_" else f"_{valid}"
