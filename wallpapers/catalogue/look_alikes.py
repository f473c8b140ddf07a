"""Read and write which images look alike, and what the user has decided about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from wallpapers.catalogue.chunks import chunks
from wallpapers.catalogue.look_tables import look_alikes, looks
from wallpapers.catalogue.looks import HAS_VALUES
from wallpapers.catalogue.statements import insert_of
from wallpapers.images.look import VERSION


@dataclass(frozen=True)
class Pair:
    """Two images that look alike; ``one`` is the smaller sha256."""

    one: str
    other: str
    bits: int  # in which the fingerprints differ
    colours: float  # root mean square of the difference of the cells, in levels
    kind: str  # same, marked or recoloured


class LookAlikes:
    """Read and write pairs of images within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def unpaired(self) -> list[str]:
        """Return the sha256 of the looks that were not compared with the others yet."""
        rows = select(looks.c.sha256).where(~looks.c.paired, HAS_VALUES).order_by(looks.c.sha256)
        return list(self._connection.execute(rows).scalars())

    def put_pairs(self, pairs: Sequence[Pair], paired: Sequence[str]) -> None:
        """Write *pairs*, and mark the looks *paired* as compared; decisions are kept."""
        if pairs:
            put = insert_of(self._connection.dialect.name)(look_alikes)
            changes = {name: put.excluded[name] for name in ("bits", "colours", "kind")}
            keys = [look_alikes.c.one, look_alikes.c.other]
            put = put.on_conflict_do_update(index_elements=keys, set_=changes)
            self._connection.execute(put, [vars(pair) for pair in pairs])
        for done in chunks(paired):
            mine = update(looks).where(looks.c.sha256.in_(done), looks.c.version == VERSION)
            self._connection.execute(mine.values(paired=True))

    def pairs(self, kinds: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield the pairs of *kinds* that the user has not judged to be different."""
        rows = self._connection.execute(
            select(look_alikes.c.one, look_alikes.c.other)
            .where(look_alikes.c.kind.in_(kinds), look_alikes.c.verdict.is_(None))
            .order_by(look_alikes.c.one, look_alikes.c.other)
        )
        for row in rows:
            yield row.one, row.other

    def judge(self, one: str, other: str, verdict: str | None) -> None:
        """Record that the user has judged two images as ``different``; None removes this."""
        one, other = sorted((one, other))
        put = insert_of(self._connection.dialect.name)(look_alikes)
        keys = [look_alikes.c.one, look_alikes.c.other]
        put = put.on_conflict_do_update(index_elements=keys, set_={"verdict": verdict})
        self._connection.execute(put, {"one": one, "other": other, "verdict": verdict})
