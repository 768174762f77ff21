"""One job, from its beginning to its end: run the mapping, and note what became of its drops."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from engine.config.lines import reader_of_lines
from engine.config.load import Mapping, Project
from engine.config.schema import FileTrigger, MappingTrigger
from engine.i18n import _
from engine.problems import Problem, ProblemError
from engine.report.problems import reason_text
from engine.report.runs import counted
from engine.service.drops import finished
from engine.service.logs import Log
from engine.service.retries import next_try
from engine.service.workflow import Parked
from engine.source.files import is_remote, matches
from engine.state.drops import Drop, Drops, DropState
from engine.state.jobs import Job, Jobs
from engine.state.store import Store
from engine.sync.account import Report, Tools
from engine.sync.guard import HOLDS
from engine.sync.reading import TriggerFacts
from engine.sync.run import run_mapping

T = TypeVar("T")
PASSING = ("connection_busy", "state_unusable", "file_busy")
"""What passes by itself: nothing is wrong with the list or the mapping."""
AGAIN = 5.0
STATES: dict[str, DropState] = {"held": "held", "refused": "refused", "failed": "failed"}
"""What becomes of a drop by the status of its run; with any other status it is done."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a job. ``status`` is that of the run, or ``dropped``: there was nothing to do any more.

    ``file`` and ``content`` say what was read; ``text`` is for people, and ``reason`` the whole of it, with the place
    in a mapping that is to be mended. A list's own lines are in neither: they hold people.
    """

    status: str
    run: str | None = None
    plan: str | None = None
    code: str | None = None
    text: str = ""
    hint: str = ""
    file: str | None = None
    content: str | None = None
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """The form in which a workflow keeps it."""
        return asdict(self)


class Work:
    """Carries out jobs, several at a time. ``changed`` is called with every job that has come to its end."""

    def __init__(
        self,
        root: Path,
        store: Store,
        project: Callable[[], Project],
        log: Log,
        changed: Callable[[Job, Result], None],
        commit: Callable[[], str | None],
    ) -> None:
        self.root = root
        self.store = store
        self.project = project
        self.log = log
        self.changed = changed
        self.commit = commit
        self.stopping = threading.Event()
        self.drops = Drops(store)
        self.jobs = Jobs(store)

    # -- running -------------------------------------------------------------------------------------------------------

    def run(self, job_id: str) -> dict[str, Any]:
        """Run the mapping of a job; also again, where it was cut off. Raises :class:`Parked` while stopping."""
        return self._persistently(lambda: self._run(job_id))

    def _persistently(self, step: Callable[[], T]) -> T:
        """The step, again and again where the state can't be used: a job must not get lost because a disk is full."""
        told = False
        while True:
            self._go_on()
            try:
                return step()
            except ProblemError as error:
                problem = error.problems[0]
            except Exception as error:
                problem = bug(error)
            if not told:
                self.log.event(problem.code, f"{problem.message} {problem.hint}".strip(), "error")
            told = True
            self._sleep(AGAIN)

    def _run(self, job_id: str) -> dict[str, Any]:
        job = self.jobs.begin(job_id)
        if job is None:
            return Result("dropped").as_json()
        project = self.project()
        mapping = project.mappings.get(job.mapping)
        if mapping is None or not mapping.model.enabled:
            return Result("dropped").as_json()
        job = self._as_of_now(job, mapping)
        if not self._take(job, mapping):
            return Result("dropped").as_json()
        moves = mapping.model.source.archive == "move"
        if job.path is None and moves and not matches(self.root, mapping.model.source.path):
            return Result("dropped").as_json()  # the last list was put away, and no new one has come
        what = job.path or _("the newest list, trigger {trigger}").format(trigger=job.trigger)
        self.log.event("run", _("begins: {what}").format(what=what), mapping=job.mapping, trigger=job.trigger)
        return self._tried(project, mapping, job).as_json()

    def _as_of_now(self, job: Job, mapping: Mapping) -> Job:
        """The job after an edit: where its file is not watched any more, it may have been wanted for the edit, too."""
        wanted = any(isinstance(trigger, MappingTrigger) for trigger in mapping.triggers)
        watched = [trigger.path for trigger in mapping.triggers if isinstance(trigger, FileTrigger)]
        if job.path is None or not wanted or any(self.root / job.path in matches(self.root, path) for path in watched):
            return job
        return replace(job, trigger="mapping", trigger_id=None, path=None)

    def _take(self, job: Job, mapping: Mapping) -> bool:
        """The drops of the job run from now on. False where its file is gone, or has changed and will come again."""
        drops = self.drops.all(mapping.id)
        mine = {drop.path: drop for drop in drops if self._is_of(drop, job, mapping)}
        if job.path is not None and job.path not in mine:
            return False
        moment = self.store.now()
        return self.drops.replace(
            [(drop, replace(drop, state="running", since=moment)) for drop in mine.values() if drop.state != "running"]
        )

    @staticmethod
    def _is_of(drop: Drop, job: Job, mapping: Mapping) -> bool:
        together = mapping.model.source.combine == "all"
        return drop.state in ("queued", "running", "failed") and (drop.path == job.path or together)

    def _tried(self, project: Project, mapping: Mapping, job: Job) -> Result:
        together = mapping.model.source.combine == "all"
        remote = is_remote(mapping.model.source.type)
        file = self.root / job.path if job.path is not None and not together and not remote else None
        facts = TriggerFacts(job.trigger, str(self.root / job.path) if job.path else "", job.trigger_id or "")
        tools = Tools(self.store, sleep=self._sleep, rows_seen=self._step, steps_done=self._step, commit=self.commit())
        try:
            report = run_mapping(project, mapping, tools, file, trigger=facts)
        except ProblemError as error:
            first = error.problems[0]
            made = _of_problem("failed" if first.code in PASSING else "refused", first)
            return replace(made, reason=reason_text(first, reader_of_lines(self.root)))
        except Exception as error:
            # A bug: its text may hold values of people. The run is tried again, others go on.
            problem = bug(error)
            self.log.event("bug", problem.message, level="error", mapping=job.mapping)
            return _of_problem("failed", problem)
        made, decided = _of_report(report), _reason(report)
        if report.status == "refused" and decided is not None:
            made = replace(made, reason=reason_text(decided, reader_of_lines(self.root)))
        return made

    def _sleep(self, seconds: float) -> None:
        if self.stopping.wait(seconds):
            raise Parked

    def _step(self, _count: int) -> None:
        self._go_on()

    def _go_on(self) -> None:
        if self.stopping.is_set():
            raise Parked

    # -- settling ------------------------------------------------------------------------------------------------------

    def settle(self, job_id: str, outcome: dict[str, Any]) -> None:
        """Note what became of a job: also twice, where the engine was killed in between."""
        self._persistently(lambda: self._settle(job_id, outcome))

    def _settle(self, job_id: str, outcome: dict[str, Any]) -> None:
        result = Result(**outcome)
        job = self.jobs.begin(job_id)
        if job is None:
            return
        mapping = self.project().mappings.get(job.mapping)
        if result.status != "dropped":
            self._settle_drops(job, mapping, result)
        else:
            self._give_back(job)
        # People are told before it is over: what is told twice is told once, what is not told is lost.
        self.changed(job, result)
        again = next_try(job.failures + 1, datetime.now(UTC)) if result.status == "failed" else None
        self.jobs.end(job, result.status, result.run, again)

    def _settle_drops(self, job: Job, mapping: Mapping | None, result: Result) -> None:
        state = STATES.get(result.status, "done")
        moment = self.store.now()
        changes: list[tuple[Drop | None, Drop | None]] = []
        together = mapping is not None and mapping.model.source.combine == "all"
        for drop in self.drops.all(job.mapping):
            read = drop.path == result.file and drop.content == result.content
            if drop.state != "running" and not (read and drop.state in ("queued", "complete", "failed")):
                continue
            # What was read counts, not what lay there when the file was queued.
            whole = drop.path == result.file and result.content and not together
            content = result.content if whole else drop.content
            ended = replace(drop, content=content, run=result.run, plan=result.plan, code=result.code)
            reason = result.reason or f"{result.text} {result.hint}".strip()
            ended = replace(ended, reason=reason if result.code else None)
            if result.status == "skipped" and self._still_waits(drop):
                # It was planned anew, and a condition does not hold just now: it goes on waiting.
                ended = finished(replace(ended, plan=drop.plan), "held", moment)
            elif state == "failed":
                # What the target holds is not known: also what was sent before must be sent again.
                ended = replace(ended, state="failed", since=moment, ran=None, outcome=None)
            else:
                ended = finished(ended, state, moment)
            changes.append((drop, ended))
        self.drops.replace(changes)

    def _still_waits(self, drop: Drop) -> bool:
        """Whether a plan made from just this list waits for a decision."""
        stored = self.store.plan(drop.plan) if drop.plan is not None else None
        if stored is None or stored.status != "held":
            return False
        return any(file["sha256"] == drop.content for file in stored.plan.source.get("files", ()))

    def _give_back(self, job: Job) -> None:
        """Nothing was run: whoever waited in this job waits again, and is looked at by the next look."""
        running = [drop for drop in self.drops.all(job.mapping) if drop.state == "running"]
        self.drops.replace([(drop, replace(drop, state="seen", since=self.store.now())) for drop in running])


def _of_problem(status: str, problem: Problem) -> Result:
    return Result(status, code=problem.code, text=problem.message, hint=problem.hint)


def _of_report(report: Report) -> Result:
    source = report.source or {}
    first = _reason(report)
    hint = first.hint if first is not None else ""
    if report.status == "partial":
        hint = _("`abgleich show {run}` says why.").format(run=report.run)
    if report.status == "held":
        decide = _("`abgleich show {run}` shows the plan; then abgleich approve {plan}, or abgleich reject {plan}.")
        hint = f"{hint} {decide.format(run=report.run, plan=report.plan)}".strip()
    return Result(
        report.status,
        report.run,
        report.plan,
        first.code if first is not None else None,
        first.message if first is not None else _in_numbers(report),
        hint,
        source.get("file"),
        source.get("sha256"),
    )


def _reason(report: Report) -> Problem | None:
    """What decided about the run as a whole. What is said of rows and persons holds their values: never for the log."""
    codes = {"held": HOLDS, "skipped": ("condition_not_met", "plan_rejected")}
    if report.status in codes:
        return next((problem for problem in report.problems if problem.code in codes[report.status]), None)
    return report.reasons[0] if report.status in ("failed", "refused") and report.reasons else None


def _in_numbers(report: Report) -> str:
    """What became of every action: numbers only, for the log."""
    numbers = {action.id: counted(action.as_json()) for action in report.actions}
    return "; ".join(f"{name}: {text}" if len(numbers) > 1 else text for name, text in numbers.items() if text)


def bug(error: Exception) -> Problem:
    """What ended in an error that nobody foresaw: its kind and place; its text may hold values of people."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}" if place is not None else "?"
    message = _("A bug in abgleich: {kind} at {place}.").format(kind=type(error).__name__, place=where)
    return Problem("bug", message, _("Please report it; it is tried again by itself."))
