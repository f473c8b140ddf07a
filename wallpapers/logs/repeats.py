"""Show one log record of each kind, and count the others."""

from __future__ import annotations

import logging
from collections import Counter

_MAX_KINDS = 1_000  # counted separately
_MAX_NAMED = 5  # in the text


class RepeatFilter(logging.Filter):
    """Pass the first record with each value of ``kind``, an attribute for ``extra=``.

    A record with a true ``in_summary`` is not passed: it is about to be repeated below the summary.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: Counter[str] = Counter()
        self._others = 0

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "in_summary", False):
            return False
        kind = getattr(record, "kind", None)
        if kind is None:
            return True
        if kind not in self._seen and len(self._seen) == _MAX_KINDS:
            self._others += 1
            return False
        self._seen[kind] += 1
        return self._seen[kind] == 1

    def __str__(self) -> str:
        """Name the kinds with the most records that were not shown; "" if all were."""
        hidden = Counter({kind: count - 1 for kind, count in self._seen.items() if count > 1})
        total = hidden.total() + self._others
        if not total:
            return ""
        named = hidden.most_common(_MAX_NAMED)
        parts = [f"{kind} ({count:,})" for kind, count in named]
        if rest := total - sum(count for _, count in named):
            parts.append(f"others ({rest:,})")
        return f"{total:,} more like these: {', '.join(parts)}"
