"""The command that finds the same wallpapers elsewhere, ready to paste into a shell."""

from __future__ import annotations

import shlex

from wallpapers.listings.text import one_line
from wallpapers.run.program import program_name


def search_for(*tags: str, limit: int) -> str:
    """Return the command that searches for *tags* as words; a tag that means all says nothing."""
    words = dict.fromkeys(tag for tag in tags if tag not in ("", "全部"))
    word = shlex.quote(one_line(" ".join(words)) or "壁纸")
    most = f" -a limit={limit}" if limit else ""
    return f"{program_name()} crawl baidu_search -a word={word}{most}"
