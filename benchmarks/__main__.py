"""``python -m benchmarks``: measure, and write table, JSON and chart."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import chart, machine, report, results
from benchmarks.programs import PROGRAMS
from benchmarks.rounds import Bench
from benchmarks.scenarios import SCENARIOS
from benchmarks.server import MissingNginxError, Server

_RESULTS = Path(__file__).with_name("results")
_TMPFS = Path("/dev/shm")  # noqa: S108 (the one that Linux has)


def main() -> int:
    """Measure what was asked for, then report all that is kept; return the exit status."""
    options = _options()
    started = time.monotonic()

    def tell(line: str) -> None:
        print(f"[{time.monotonic() - started:6.0f} s] {line}", flush=True)

    if not options.report:
        try:
            _measure(options, tell)
        except MissingNginxError as error:
            print(error, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("interrupted; scenarios that were finished are kept", file=sys.stderr)
            return 130
    kept = {name: outcome for name in SCENARIOS if (outcome := results.load(name, options.results))}
    if not kept:
        print(f"nothing was measured yet: {options.results} has no results", file=sys.stderr)
        return 1
    text = report.markdown(kept)
    (options.results / "results.md").write_text(text)
    print(text)
    try:
        chart.draw(kept, options.results / "chart.png")
    except ImportError:
        print("no chart without matplotlib: pip install matplotlib", file=sys.stderr)
    print(f"results.md, chart.png and a JSON file for each scenario are in {options.results}")
    return 0


def _measure(options: argparse.Namespace, tell: Callable[[str], None]) -> None:
    folder: Path = options.cache
    if not folder.is_relative_to(_TMPFS):
        tell(f"{folder} is not on a tmpfs: the disk is measured, too")
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="run-", dir=folder) as work,
        Server(Path(work) / "nginx", folder / "pictures") as server,
    ):
        bench = Bench(server, folder / "pictures", Path(work), tell)
        for name in options.scenario:
            scenario = SCENARIOS[name]
            names = [name for name in scenario.programs if name in options.program]
            if not names:
                tell(f"{name}: none of the programs takes part")
                continue
            described = machine.describe()
            outcome = bench.measure(scenario, names, options.pictures, options.rounds)
            outcome.machine = described
            results.save(outcome, options.results)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure this project beside its peers, on this machine.",
        epilog="The real thing is --rounds 5, on a machine that does nothing else.",
    )
    parser.add_argument("--rounds", type=_positive, default=5, metavar="N", help="default: 5")
    parser.add_argument("--report", action="store_true", help="only write the report again")
    _add_choices(parser)
    _add_folders(parser)
    return parser.parse_args()


def _add_choices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scenario",
        nargs="+",
        choices=SCENARIOS,
        default=list(SCENARIOS),
        metavar="S",
        help=f"some of: {', '.join(SCENARIOS)}",
    )
    parser.add_argument(
        "--program",
        nargs="+",
        choices=PROGRAMS,
        default=list(PROGRAMS),
        metavar="P",
        help=f"some of: {', '.join(PROGRAMS)}",
    )
    parser.add_argument(
        "--pictures",
        type=_positive,
        default=3000,
        metavar="N",
        help="default: 3000; scenarios with a number of their own (huge, memory) shrink with it",
    )


def _add_folders(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cache",
        type=Path,
        default=(_TMPFS if _TMPFS.is_dir() else Path(tempfile.gettempdir())) / "wallpapers-bench",
        metavar="FOLDER",
        help="where pictures are kept and stores are made (default: %(default)s)",
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=_RESULTS,
        metavar="FOLDER",
        help="where results go; a scenario that is measured again replaces itself",
    )


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be a number from 1 on, got {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
