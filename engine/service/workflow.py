"""The DBOS door: jobs as durable workflows on one queue, partitioned by what they write to.

A workflow has two steps, run and settle. A process that is killed leaves its workflows pending; they go on when a
process with the same executor id starts, or when another one takes them over. Both steps may be done twice.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from dbos import DBOS, DBOSConfig, SetEnqueueOptions, SetWorkflowID

from engine.state.database import server_url
from engine.state.ground import Ground

QUEUE = "runs"
FILE = "workflows.sqlite"
SCHEMA = "abgleich_dbos"
VERSION = "1"
"""Changes when workflows under way can't be gone on with by the new program."""
POLL = 0.25
AT_ONCE = 8
KEEP = timedelta(days=7)
MOST_ATTEMPTS = 1_000_000
ALIVE = ("ENQUEUED", "PENDING", "DELAYED")


class Parked(BaseException):
    """The engine is being stopped: the step ends in order and is begun again at the next start."""


class Steps(Protocol):
    """What a workflow does."""

    def run(self, job_id: str) -> dict[str, Any]:
        """The first step."""

    def settle(self, job_id: str, outcome: dict[str, Any]) -> None:
        """The second one."""


class Workflows:
    """The workflows of this process. There is one at a time in a process."""

    def __init__(self, folder: Path, database: str, executor: str, steps: Steps) -> None:
        self.steps = steps
        self._under_way = 0
        self._counting = threading.Condition()
        url = f"sqlite:///{folder / FILE}" if database == "sqlite" else server_url(database)
        config = DBOSConfig(
            name="abgleich",
            system_database_url=url,
            dbos_system_schema=SCHEMA,
            executor_id=executor,
            application_version=VERSION,
            enable_otlp=False,
            log_level="WARNING",
            max_executor_threads=2 * AT_ONCE,
        )
        if database == "sqlite":
            _private(folder / FILE)
        DBOS(config=config)

        def job(job_id: str) -> None:
            outcome = DBOS.run_step({"name": "run"}, self._step, lambda: self.steps.run(job_id))
            DBOS.run_step({"name": "settle"}, self._step, lambda: self.steps.settle(job_id, outcome))

        # A job that is cut off again and again is still a job.
        self._flow = DBOS.workflow(name="job", max_recovery_attempts=MOST_ATTEMPTS)(job)
        logging.getLogger("dbos").handlers.clear()
        self._ground = Ground(folder / FILE) if database == "sqlite" else None

    def start(self) -> None:
        """Go on with what was cut off, and take jobs from now on."""
        DBOS.launch()
        DBOS.register_queue(
            QUEUE,
            partition_concurrency=1,
            worker_concurrency=AT_ONCE,
            polling_interval_sec=POLL,
            on_conflict="always_update",
        )

    def is_there(self) -> bool:
        """Whether the file of the workflows is still where it was."""
        return self._ground is None or self._ground.is_there()

    def enqueue(self, job_id: str, partition: str) -> None:
        """Have a job done that is open, once, however often this is called; anew where its workflow came to nothing."""
        workflow, number = job_id, 1
        while (known := DBOS.get_workflow_status(workflow)) is not None:
            if known.status in ALIVE:
                return
            number += 1
            workflow = f"{job_id}-{number}"
        with SetWorkflowID(workflow), SetEnqueueOptions(queue_partition_key=partition):
            DBOS.enqueue_workflow(QUEUE, self._flow, job_id)

    def take_over(self, executor: str) -> int:
        """Go on with the workflows of a process that is dead; how many there were."""
        pending = DBOS.list_workflows(status="PENDING", executor_id=executor, load_input=False, load_output=False)
        for workflow in pending:
            DBOS.resume_workflow(workflow.workflow_id)
        return len(pending)

    def prune(self) -> None:
        """Forget what ended long ago."""
        before = (datetime.now(UTC) - KEEP).isoformat()
        ended = DBOS.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED"], completed_before=before, load_input=False, load_output=False
        )
        DBOS.delete_workflows([workflow.workflow_id for workflow in ended])

    def wait_for_the_end(self, seconds: float) -> bool:
        """Wait for the steps under way. Whether all have ended or are parked."""
        with self._counting:
            return self._counting.wait_for(lambda: not self._under_way, seconds)

    def stop(self) -> None:
        """Take no more jobs. What is parked stays pending."""
        DBOS.destroy()

    def _step(self, work: Callable[[], Any]) -> Any:
        with self._counting:
            self._under_way += 1
        parked = False
        try:
            return work()
        except Parked:
            parked = True
        finally:
            with self._counting:
                self._under_way -= 1
                self._counting.notify_all()
        if parked:
            # A step that returned or raised would be on record as done. The process ends soon.
            threading.Event().wait()
        return None


def _private(file: Path) -> None:
    """Nobody else reads the file: it holds what became of runs."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
