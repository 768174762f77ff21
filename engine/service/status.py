"""What is going on, told from the state: the same whether the engine runs or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from engine.config.load import Mapping, Project
from engine.config.schema import FileTrigger, TimePatternTrigger, TimeTrigger
from engine.problems import Problem
from engine.service.drops import DropLife
from engine.service.folders import is_network
from engine.service.inbox import folder_of
from engine.service.moods import is_overdue
from engine.service.schedule import next_due
from engine.source.files import matches
from engine.state.drops import Drop, Drops
from engine.state.jobs import Job, Jobs
from engine.state.locks import Locks
from engine.state.notices import Notices
from engine.state.service import ServiceState
from engine.state.store import Store
from engine.state.versions import Versions
from engine.sync.decide import out_of_date
from engine.sync.owners import is_live, place_of
from engine.sync.record import Owner
from engine.sync.script import problems_of

NEVER = "never"


@dataclass(frozen=True, slots=True)
class Status:
    """Everything of one project. ``drops`` are those that wait, are held or failed; ``all_drops`` every one."""

    engines: tuple[dict[str, Any], ...]
    mappings: tuple[dict[str, Any], ...]
    drops: tuple[dict[str, Any], ...]
    connections: tuple[dict[str, Any], ...]
    unattended: tuple[dict[str, Any], ...]
    unclaimed: tuple[dict[str, Any], ...]
    problems: tuple[dict[str, Any], ...]

    @property
    def alive(self) -> bool:
        """Whether any process of the engine is at work."""
        return bool(self.engines)

    def as_json(self) -> dict[str, Any]:
        """The shape that cli.md promises."""
        pid = self.engines[0]["pid"] if self.engines else None
        return {
            "engine": {"alive": self.alive, "pid": pid, "processes": list(self.engines)},
            "mappings": list(self.mappings),
            "drops": list(self.drops),
            "connections": list(self.connections),
            "unattended": list(self.unattended),
            "unclaimed": list(self.unclaimed),
            "problems": list(self.problems),
        }


NOTHING_KNOWN = Status((), (), (), (), (), (), ())
"""Where the state can't be looked into."""


class Reader:
    """Puts a status together."""

    def __init__(self, project: Project, store: Store, now: datetime | None = None) -> None:
        self.project = project
        self.store = store
        self.now = now or datetime.now(UTC)
        self.zone = ZoneInfo(project.configuration.timezone)

    def read(self) -> Status:
        """The status now."""
        problems = problems_of(self.project)
        files = {_file(self.project, name): name for name in self.project.ids}
        by_mapping: dict[str, list[Problem]] = {}
        others = []
        for problem in problems:
            name = files.get(problem.at.file or "")
            if name is None:
                others.append(problem)
            else:
                by_mapping.setdefault(name, []).append(problem)
        broken = [problem for problem in others if problem.severity == "error"]
        return Status(
            tuple(self._engines()),
            tuple(self._mappings(by_mapping, bool(broken))),
            tuple(self._drop(drop) for drop in Drops(self.store).all()),
            tuple(self._connections()),
            tuple(self._unattended()),
            tuple(self._unclaimed()),
            tuple(problem.as_json() for problem in others),
        )

    def _engines(self) -> Iterator[dict[str, Any]]:
        locks = Locks(self.store)
        for one in ServiceState(self.store).engines():
            if locks.is_held(one.id):
                times = {"since": self._shown(one.started_at), "seen": self._shown(one.seen_at)}
                yield {"pid": one.pid, "host": one.host} | times

    def _mappings(self, problems: dict[str, list[Problem]], broken: bool) -> Iterator[dict[str, Any]]:
        last = self.store.last_runs()
        good = self.store.good_runs()
        told = Notices(self.store).told()
        jobs = {job.mapping: job for job in Jobs(self.store).open()}
        held: dict[str, list[str]] = {}
        for plan in self.store.open_plans():
            if plan.status == "held":
                held.setdefault(plan.plan.mapping, []).append(plan.id)
        accepted = Versions(self.store).ids()
        outdated = {stored.id for stored in out_of_date(self.project, self.store)}
        for name in sorted(self.project.ids):
            mapping = self.project.mappings.get(name)
            status, began = last.get(name, (NEVER, None))
            mine = problems.get(name, [])
            stale = broken or mapping is None or any(problem.severity == "error" for problem in mine)
            yield {
                "id": name,
                "alias": mapping.model.alias if mapping is not None else None,
                "enabled": mapping.model.enabled if mapping is not None else None,
                "status": status,
                "stale": stale,
                "runs": "last good version" if stale and name in accepted else "nothing" if stale else "newest",
                "overdue": is_overdue(self.project, name, good, told, self.now),
                "last_good": self._shown(good.get(name)),
                "next": self._next(name, jobs.get(name)),
                "unread": self._unread(mapping, began),
                "held": held.get(name, []),
                "outdated": [plan for plan in held.get(name, []) if plan in outdated],
                "problems": [problem.as_json() for problem in mine],
            }

    def _next(self, name: str, job: Job | None) -> str | None:
        """When it runs next: what waits, or the nearest of its schedules."""
        times = [job.due_at] if job is not None and job.state == "waiting" else []
        mapping = self.project.mappings.get(name)
        for trigger in mapping.triggers if mapping is not None and mapping.model.enabled else ():
            if isinstance(trigger, TimeTrigger | TimePatternTrigger):
                due = next_due(trigger, self.now, self.zone)
                times += [due.astimezone(UTC).isoformat(timespec="microseconds")] if due is not None else []
        return self._shown(min(times, default=None))

    def _unread(self, mapping: Mapping | None, began: str | None) -> str | None:
        """The newest list of a mapping that nothing makes run, where it came after the last run began.

        Whoever has never run a mapping that is on is still trying things out: there nothing is urged.
        """
        if mapping is None or (mapping.model.enabled and (mapping.triggers or began is None)):
            return None
        paths = {trigger.path for trigger in mapping.triggers if isinstance(trigger, FileTrigger)}
        found = []
        for pattern in paths | {mapping.model.source.path} - {""}:
            if not is_network(folder_of(self.project.root, pattern)[0]):
                found += matches(self.project.root, pattern)[:1]
        since = datetime.fromisoformat(began).timestamp() if began is not None else 0.0
        changed = {path: modified for path in found if (modified := _modified(path)) > since}
        newest = max(changed, key=changed.__getitem__, default=None)
        return _relative(newest, self.project.root) if newest is not None else None

    def _drop(self, drop: Drop) -> dict[str, Any]:
        return {
            "mapping": drop.mapping,
            "path": drop.path,
            "state": drop.state,
            "reason": drop.reason,
            "code": drop.code,
            "since": self._shown(drop.since),
            "run": drop.run,
            "plan": drop.plan,
        }

    def _connections(self) -> Iterator[dict[str, Any]]:
        for name, connection in self.project.connections.items():
            known = self.store.connection(name).at(place_of(self.project, name, self.store))
            success = known.last_success
            state = "ok" if known.certain else "unknown"
            yield {
                "id": name,
                "type": connection.type,
                "last_success": self._shown(success.isoformat() if success is not None else None),
                "state": state if success is not None or not known.certain else NEVER,
            }

    def _unattended(self) -> Iterator[dict[str, Any]]:
        """People of mappings that are deleted or switched off: they stay as last sent."""
        for (connection, mapping, action), count in sorted(self.store.owners().items()):
            if not is_live(self.project, Owner(mapping, action), connection):
                waiting = [stored.id for stored in self.store.open_plans(mapping)]
                yield {"connection": connection, "mapping": mapping, "persons": count, "plans": waiting}

    def _unclaimed(self) -> Iterator[dict[str, Any]]:
        """Lists that lie in a watched folder and that no mapping takes, with the patterns that are taken there."""
        life = DropLife(self.project.root, self.store)
        patterns = {p for p in life.patterns(self.project) if not is_network(folder_of(self.project.root, p)[0])}
        life.inbox.look(patterns)
        by_folder: dict[str, list[str]] = {}
        for pattern in sorted(patterns):
            by_folder.setdefault(life.relative(folder_of(self.project.root, pattern)[0]), []).append(pattern)
        for path in life.unclaimed(self.project):
            yield {"path": path, "patterns": by_folder.get(Path(path).parent.as_posix(), [])}

    def _shown(self, moment: str | None) -> str | None:
        if moment is None:
            return None
        return datetime.fromisoformat(moment).astimezone(self.zone).isoformat(timespec="seconds")


def _file(project: Project, name: str) -> str:
    return _relative(project.ids[name], project.root)


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _modified(path: Path) -> float:
    """When a file was changed; 0 where it has vanished meanwhile."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
