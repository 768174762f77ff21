"""The engine: looks, schedules and runs until it is stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.config.load import Mapping, Project
from engine.config.schema import MappingTrigger
from engine.i18n import _, ngettext, use_language
from engine.problems import Problem, ProblemError, UserMustFix
from engine.report.status import drop_word
from engine.report.words import status_word
from engine.service.archive import Archive
from engine.service.courier import Courier
from engine.service.drops import DropLife, age
from engine.service.live import Live, Stale
from engine.service.logs import Log
from engine.service.moods import CONFIGURATION, Moods
from engine.service.presence import Displaced, Presence
from engine.service.retries import is_due, next_try
from engine.service.timetable import Timetable
from engine.service.watch import Watch
from engine.service.work import Result, Work, bug
from engine.service.workflow import Workflows
from engine.state.drops import Drop
from engine.state.jobs import Job, Jobs
from engine.state.service import ServiceState
from engine.state.store import Store
from engine.state.versions import Versions
from engine.sync.decide import out_of_date

LOOK = 1.0
"""At least so often, in seconds, everything is looked at: hints only make it earlier."""
UNREST = 0.3
"""So soon it is looked again where the configuration is just being changed."""
PAUSE = 0.1
SLOWLY = 5.0
PATIENCE = 8.0
"""How long the steps under way may take when the engine is stopped."""
LATE = timedelta(minutes=1)
MOST_TOLD = 10
"""So many files that nobody takes are named; of more only their number."""
SECOND_LOOK = 30.0
"""After so many seconds it is asked again whether jobs that are open are still worked on."""


class Engine:
    """One process. ``worker``: others work on the same state, and one of all looks and schedules."""

    def __init__(self, root: Path, store: Store, database: str, log: Log, worker: bool = False) -> None:
        self.root = root
        self.store = store
        self.database = database
        self.log = log
        self.presence = Presence(store, worker)
        self.timetable = Timetable(ServiceState(store))
        self.jobs = Jobs(store)
        self.live = Live(root, Versions(store), self.now)
        self.courier = Courier(store, lambda: self.live.project, lambda: None not in self.live.stale, log)
        self.moods = Moods(store, log, self.courier.wake)
        self.drops = DropLife(root, store)
        self.work = Work(root, store, lambda: self.live.project, log, self._ended, lambda: self.live.commit)
        self.workflows = Workflows(store.folder, database, self.presence.id, self.work)
        self.stopping = threading.Event()
        self.looked = time.monotonic()
        """When it last began to look at everything, by the monotonic clock."""
        self._wake = threading.Event()
        self._watch = Watch(self._wake.set, self.live.project.configuration.watch)
        self.archive = Archive(root, self.drops.drops, log)
        self._news = False
        self._enabled: set[str] = set()
        self._asked = 0.0
        self._enqueued: set[str] = set()
        self._slow = 0.0
        self._seen = time.monotonic()
        self._pruned: datetime | None = None
        self._told_folders: dict[str, str] = {}
        self._told_unclaimed: set[str] = set()

    @staticmethod
    def now() -> datetime:
        """The present moment."""
        return datetime.now(UTC)

    # -- from beginning to end -----------------------------------------------------------------------------------------

    def run(self) -> None:
        """Work until :meth:`stop` is called. Raises :class:`UserMustFix` where another engine is at work already."""
        self.presence.come()
        try:
            self._configured(first=True)
            self.courier.start()
            self.workflows.start()
            self.log.event("start", _("The engine is at work."))
            try:
                while not self.stopping.is_set():
                    self._safely(self.tick)
                    self._rest()
            finally:
                self._end()
        finally:
            self.presence.close()

    def stop(self) -> None:
        """Finish or park what is under way, and end. Not to be called from a signal's handler, but from a thread."""
        self.stopping.set()
        self.work.stopping.set()
        self._wake.set()

    def _end(self) -> None:
        self.log.event("stop", _("The engine stops."))
        done = self.workflows.wait_for_the_end(PATIENCE)
        if not done:
            self.log.event("stop", _("A step under way is left; it is begun again at the next start."), "warning")
        self._watch.close()
        self.presence.go()

    def _rest(self) -> None:
        soon = self.drops.next_look() if self.presence.leads else None
        longest = UNREST if self.live.restless else LOOK
        self._wake.wait(longest if soon is None else min(longest, soon + 0.01))
        # Many changes at once are one look.
        if self._wake.is_set() and not self.stopping.is_set():
            self.stopping.wait(PAUSE)
        self._wake.clear()

    def _safely(self, step: Callable[[], None]) -> None:
        """One step that must not end the engine: what goes wrong is told, and tried again at the next look."""
        try:
            step()
        except Homeless:
            message = _("The folder .abgleich, or a file of it, was taken away while the engine was at work.")
            hint = _("Put it back, then start the engine again. `abgleich status` shows what is left of its memory.")
            raise UserMustFix(Problem("state_gone", message, hint)) from None
        except Displaced:
            raise
        except ProblemError as error:
            problems = error.problems
        except Exception as error:
            problems = (bug(error),)
        else:
            return
        for problem in problems:
            self.log.event(problem.code, f"{problem.message} {problem.hint}".strip(), "error")
        self.stopping.wait(SLOWLY)

    # -- one look ------------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Look at everything once."""
        self.looked = time.monotonic()
        if not (self.store.is_there() and self.workflows.is_there()):
            raise Homeless
        # Who leads first, else what an edit asks for would be left to nobody.
        if time.monotonic() - self._seen >= SLOWLY:
            self._seen = time.monotonic()
            self.presence.check()
        leads = self._lead()
        self._news |= self.live.look()
        if self._news:
            self._configured()
            self._news = False
        if not leads:
            return
        project = self.live.project
        self._watch.keep({*self.drops.folders(project), self.root / "mappings"})
        try:
            self._look_at_drops(project)
        except Exception:
            self.drops.stale()  # what was seen is not yet on record
            raise
        self._look_at_schedules(project)
        self._reconcile(project)
        self._enqueue(project)
        if time.monotonic() - self._slow >= SLOWLY:
            self._slow = time.monotonic()
            self._slowly(project)

    def _configured(self, first: bool = False) -> None:
        """The configuration is another one: take it up."""
        project = self.live.project
        use_language(project.configuration.language)
        if not first:
            self.log.event("reload", _("The configuration was read again."))
        if project.configuration.database != self.database:
            text = _("`database` was changed: it counts from the next start of the engine.")
            self.log.event("database_changed", text, "warning")
        enabled = {name for name, mapping in project.mappings.items() if mapping.model.enabled}
        for name in sorted(self._enabled - enabled - self.live.stale.keys()):
            text = _("It was deleted or switched off: its lists are not run any more, its people stay as last sent.")
            self.log.event("mapping_gone", text, "warning", mapping=name)
        self._enabled = enabled
        for broken, stale in self.live.stale.items():
            self.log.event("stale", _said(stale), "warning", mapping=broken or "configuration")
        if not self.presence.leads and not first:
            return
        self.timetable.forget({name for name, mapping in project.mappings.items() if not mapping.model.enabled})
        for name in sorted(self.live.changed):
            self.drops.try_again(name)
            mapping = project.mappings.get(name)
            for trigger in mapping.triggers if mapping is not None and mapping.model.enabled else ():
                if isinstance(trigger, MappingTrigger):
                    self.jobs.want(name, "mapping", trigger.id, None, self.now())
        self._plan_anew(project)
        for job in self.jobs.open():
            mapping = project.mappings.get(job.mapping)
            if job.state == "waiting" and (mapping is None or not mapping.model.enabled):
                self.jobs.drop_waiting(job.mapping)

    def _plan_anew(self, project: Project) -> None:
        """Lists whose plan can't be approved any more are planned anew, where just they still lie there.

        Never anything else: another file, or a plan that somebody made by hand, is not what the plan was about.
        """
        for stored in out_of_date(project, self.store):
            if self.drops.plan_again(stored.id):
                text = _("The mapping or a connection was changed: instead of the plan {plan} a new one is made.")
                self.log.event("plan_stale", text.format(plan=stored.id), "warning", mapping=stored.plan.mapping)

    def _lead(self) -> bool:
        """Whether this process is the one that looks and schedules."""
        if not self.presence.leads and self.presence.lead():
            # Others have led up to here.
            self.drops.stale()
            self.timetable.stale()
            self._enqueued.clear()
        return self.presence.leads

    def _reconcile(self, project: Project) -> None:
        """Hold drops against jobs: whatever got lost between two transactions, or was taken away, is wanted again."""
        known = [drop for drop in self.drops.known() if drop.state in ("queued", "failed", "running") and drop.stamp]
        if not known:
            return
        jobs = self.jobs.open()
        waiting = {job.mapping: job for job in jobs if job.state == "waiting"}
        running = {job.mapping for job in jobs if job.state == "running"}
        for name, drops in _by_mapping(known).items():
            mapping = project.mappings.get(name)
            if mapping is None or not mapping.model.enabled:
                continue
            queued = [drop for drop in drops if drop.state == "queued"]
            failed = [drop for drop in drops if drop.state == "failed"]
            if queued:
                newest = max(queued, key=age)
                has = waiting.get(name)
                # One that has begun just now has not taken its drops yet.
                if (has is None and name not in running) or (has is not None and has.path not in (newest.path, None)):
                    self.jobs.want(name, "file", newest.trigger, newest.path, self.now())
            elif failed and name not in waiting and name not in running:
                first = failed[0]
                self.jobs.want(name, "file", first.trigger, first.path, next_try(1, self.now()), 1)
            for drop in drops:
                if drop.state == "running" and name not in running:
                    self.drops.look_again(drop)

    def _look_at_drops(self, project: Project) -> None:
        if self.store.is_shared:
            self.drops.stale()  # other processes settle drops, too
        step = self.drops.look(project)
        for drop in step.wanted:
            self.jobs.want(drop.mapping, "file", drop.trigger, drop.path, self.now())
        if self.archive.sweep(project, self.drops.known()):
            self.drops.stale()
        for old, new in step.changes:
            if new is not None and new.code == "file_busy" and (old is None or old.code != "file_busy"):
                self.log.event("file_busy", new.reason or "", "warning", mapping=new.mapping, file=new.path)
            elif new is not None and new.state in ("queued", "superseded"):
                self.log.event(new.state, f"{new.path}: {drop_word(new.state)}", mapping=new.mapping, file=new.path)
        if self.drops.inbox.changed:
            self._tell_unclaimed(set(self.drops.unclaimed(project)))
        for mapping, reason in self.drops.reasons.items():
            if self._told_folders.get(mapping) != reason:
                text = _("The folder of the mapping can't be read: {reason}.").format(reason=reason)
                self.log.event("folder", text, "warning", mapping=mapping)
        self._told_folders = dict(self.drops.reasons)

    def _tell_unclaimed(self, unclaimed: set[str]) -> None:
        fresh = sorted(unclaimed - self._told_unclaimed)
        for path in fresh[:MOST_TOLD]:
            text = _("{path}: no mapping takes this file, its name fits no path.").format(path=path)
            self.log.event("unclaimed", text, "warning", file=path)
        if len(fresh) > MOST_TOLD:
            text = ngettext(
                "… and {count} more file that no mapping takes.",
                "… and {count} more files that no mapping takes.",
                len(fresh) - MOST_TOLD,
            ).format(count=len(fresh) - MOST_TOLD)
            self.log.event("unclaimed", text, "warning")
        self._told_unclaimed = unclaimed

    def _look_at_schedules(self, project: Project) -> None:
        now = self.now()
        for due in self.timetable.due(project, now):
            self.jobs.want(due.mapping, due.trigger.trigger, due.trigger.id, None, now)
            if now - due.moment > LATE:
                when = due.moment.astimezone(project_zone(project)).strftime("%d.%m. %H:%M")
                text = _("Missed while the engine was down: {when}. It is caught up once.").format(when=when)
                self.log.event("missed", text, "warning", mapping=due.mapping)

    def _enqueue(self, project: Project) -> None:
        now = self.now()
        if time.monotonic() - self._asked >= SECOND_LOOK:
            self._asked = time.monotonic()
            self._enqueued.clear()
        open_jobs = self.jobs.open()
        for job in open_jobs:
            mapping = project.mappings.get(job.mapping)
            if job.id in self._enqueued or not is_due(datetime.fromisoformat(job.due_at), now) or mapping is None:
                continue
            self.workflows.enqueue(job.id, partition(mapping))
            self._enqueued.add(job.id)
        self._enqueued &= {job.id for job in open_jobs}

    def _slowly(self, project: Project) -> None:
        """What need not be looked at every second."""
        stale = {name or CONFIGURATION: _said(one) for name, one in self.live.stale.items()}
        if self.moods.look(project, stale, self.now()):
            self.drops.stale()
        self._take_over()
        if self._pruned is None or self.now() - self._pruned > timedelta(days=1):
            self._pruned = self.now()
            self.jobs.prune(self.now() - timedelta(seconds=project.configuration.keep.runs))
            self.workflows.prune()

    def _take_over(self) -> None:
        """The workflows of processes that have died go on here."""
        for engine in self.presence.dead(self.now()):
            count = self.workflows.take_over(engine.id)
            self.presence.buried(engine)
            text = ngettext(
                "The process {pid} on {host} has ended without a word; {count} run of it goes on here.",
                "The process {pid} on {host} has ended without a word; {count} runs of it go on here.",
                count,
            )
            self.log.event("take_over", text.format(pid=engine.pid, host=engine.host, count=count), "warning")

    def _ended(self, job: Job, result: Result) -> None:
        """A job has come to its end; called by the thread that did it."""
        self.drops.stale()
        self._wake.set()
        if result.status == "dropped":
            return
        level = "info" if result.status in ("done", "unchanged", "skipped") else "warning"
        text = f"{status_word(result.status)}: {result.text} {result.hint}".rstrip(": ")
        self.log.event("run", text, level, mapping=job.mapping, run=result.run or "", status=result.status)
        self.moods.ran(self.live.project, job.mapping, result.status, f"{result.text} {result.hint}".strip())


class Homeless(Exception):
    """A file of the state is not there any more."""


def _by_mapping(drops: Iterable[Drop]) -> dict[str, list[Drop]]:
    found: dict[str, list[Drop]] = {}
    for drop in drops:
        found.setdefault(drop.mapping, []).append(drop)
    return found


def _said(stale: Stale) -> str:
    """What is wrong, and where."""
    if not stale.problems:
        return ""
    first = stale.problems[0]
    return f"{first.at}: {first.message} {first.hint}".strip()


def partition(mapping: Mapping) -> str:
    """What a mapping writes to: runs with the same partition come one after the other."""
    return "+".join(sorted({action.model.connection for action in mapping.actions}))


def project_zone(project: Project) -> ZoneInfo:
    """The time zone of schedules."""
    return ZoneInfo(project.configuration.timezone)
