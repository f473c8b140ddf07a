"""Run several worker processes, and restart those that are killed."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from time import sleep
from types import FrameType

from wallpapers.run.exit_status import ExitStatus
from wallpapers.run.startup import handle_signals

logger = logging.getLogger(__name__)

_CHECK_INTERVAL_S = 0.2
_PAUSE_S = 1.0  # before a process is started again


class WorkerProcesses:
    """Processes that run the command of this process, each with one worker."""

    def __init__(self, count: int) -> None:
        # Of an option that is given twice, the last one counts.
        self._command = [sys.executable, *sys.orig_argv[1:], "--processes", "1"]
        self._processes = [self._start() for _ in range(count)]
        self._stopping = False

    def run(self) -> int:
        """Wait for the processes; return 0 after a signal, or the status of one that failed."""
        handle_signals(self._stop)
        while not self._stopping:
            for number, process in enumerate(self._processes):
                status = process.poll()
                if status is None or self._stopping:
                    continue
                if status > 0:  # it could not start, and would not the next time
                    self._stop(signal.SIGTERM, None)
                    self._wait()
                    return status
                logger.warning("Worker process %d ended (%d); starting another", number, status)
                sleep(_PAUSE_S)
                self._processes[number] = self._start()
            sleep(_CHECK_INTERVAL_S)
        self._wait()
        return ExitStatus.COMPLETE

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command)  # noqa: S603 (the command of this process)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Pass the signal on; a second one ends the processes immediately."""
        self._stopping = True
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(number)

    def _wait(self) -> None:
        for process in self._processes:
            process.wait()
