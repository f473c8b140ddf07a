"""End a task in the queue only if it still belongs to this worker.

procrastinate ends a task by its number, whichever worker has it. A worker that was frozen or had
no connection would end a task that another worker has taken over. If the other worker then died,
the task would be lost.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from functools import partial

from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.utils import utcnow
from psycopg import OperationalError

_RETRY_INTERVAL_S = 1.0
_MINE = (
    "FROM (SELECT id FROM procrastinate_jobs WHERE id = %(job_id)s AND status = 'doing' "
    "AND worker_id = %(worker_id)s FOR UPDATE) mine"
)
_FINISH = f"SELECT procrastinate_finish_job_v1(mine.id, %(status)s, %(delete_job)s) {_MINE}"
_RETRY = (
    "SELECT procrastinate_retry_job_v2(mine.id, %(retry_at)s, %(priority)s, %(queue)s, %(lock)s) "
    + _MINE
)


class OwnJobManager(JobManager):
    """End tasks of this worker; do not change tasks that another worker has taken over."""

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """Record the end of *job*, or delete it."""
        await self._end(_FINISH, job, status=status.value, delete_job=delete_job)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """Return *job* to the queue."""
        await self._end(
            _RETRY,
            job,
            retry_at=retry_at or utcnow(),
            priority=priority,
            queue=queue,
            lock=lock,
        )

    async def _end(self, query: str, job: Job, **values: object) -> None:
        end = partial(
            self.connector.execute_query_async,
            query,
            job_id=job.id,
            worker_id=job.worker_id,
            **values,
        )
        while True:
            try:
                await end()
            except ConnectorException as error:
                if not isinstance(error.__cause__, OperationalError):
                    raise
                await asyncio.sleep(_RETRY_INTERVAL_S)  # no other worker will end this task
            else:
                return
