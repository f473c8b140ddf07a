"""Define what the catalogue records of a run, at its beginning and at its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from wallpapers.run.reasons import Verdict

CLUSTER_PREFIX = "cluster:"  # of the ids of runs that many machines share


class RunBeginning(NamedTuple):
    """A run that begins; ``id`` is the name of its run folder, or of a run of a cluster."""

    id: str
    source: str
    arguments: Mapping[str, str]  # as given with -a, with masked secrets


class RunEnd(NamedTuple):
    """The result of a run."""

    id: str
    exit_status: int
    verdicts: Mapping[Verdict, int]  # wallpapers
    left: int  # wallpapers without a verdict
    stored_bytes: int
