"""The life of a dropped file: seen -> settling -> complete -> queued -> running -> done | held | refused | failed.

Every look compares what lies in the folders with what the state remembers, so nothing is lost while the engine is down.
A file is complete when it has not changed for ``settle``, can be opened and can be read to its end. It is not run again
while its path holds the content of its last finished run (dsl.md §3). Of several that wait only the newest runs.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from engine.config.load import Mapping, Project
from engine.config.schema import FileTrigger
from engine.i18n import _
from engine.problems import why
from engine.service.busy import is_being_written
from engine.service.folders import is_network
from engine.service.inbox import Found, Inbox, Look, folder_of
from engine.service.reading import Readers
from engine.state.drops import FINAL, Drop, Drops, DropState
from engine.state.store import Store

PATIENCE = 30.0
"""How long a complete file waits for a newer one of its mapping that is still being written."""
LONG_PATIENCE = 600.0
"""So long for one that is large, and is being read."""
BUSY_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)


LARGE = 32 * 2**20
"""A file of so many bytes takes a while to be read."""
READING_PAUSE = 0.2


class Busy(Exception):
    """Somebody still writes the file."""


class Unread(Exception):
    """The file is just being read."""


@dataclass(slots=True)
class _Rest:
    """Since when a file has been lying still, and when it is to be opened, also again where it could not be read.

    ``first``: since when it has been changing.
    """

    stamp: str
    since: float
    due: float
    first: float
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """What a look has changed: ``wanted`` are drops whose mapping is to be run, the newest of each."""

    changes: tuple[tuple[Drop | None, Drop | None], ...] = ()
    wanted: tuple[Drop, ...] = ()


class DropLife:
    """All drops of one project. Used by one process at a time, the one that looks."""

    def __init__(self, root: Path, store: Store, now: Callable[[], float] = time.monotonic) -> None:
        self.root = root
        self.store = store
        self.drops = Drops(store)
        self.inbox = Inbox(root)
        self._now = now
        self._rests: dict[tuple[str, str], _Rest] = {}
        self._readers = Readers(lambda look: _content(look))
        self._known: dict[tuple[str, str], Drop] | None = None
        self._mappings: object = None
        self._version = 0
        self.reasons: dict[str, str] = {}
        """Why the folder of a mapping can't be read, in the words of the system."""

    def stale(self) -> None:
        """Somebody else has changed drops: the next look reads them anew."""
        self._version += 1
        self._known = self._mappings = None

    def known(self) -> Collection[Drop]:
        """All drops as the last look left them, or as they are."""
        return self._all().values()

    def folders(self, project: Project) -> set[Path]:
        """The folders that matter."""
        return {folder_of(self.root, pattern)[0] for pattern in self.patterns(project)}

    @staticmethod
    def patterns(project: Project) -> set[str]:
        """The paths of all file triggers."""
        return {trigger.path for _mapping, trigger in _watching(project)}

    def unclaimed(self, project: Project) -> list[str]:
        """Lists in watched folders that no mapping takes, as the last look saw them.

        Where a mapping is broken nobody knows what it would take: then there are none.
        """
        if project.ids.keys() != project.mappings.keys():
            return []
        every = {mapping.model.source.path for mapping in project.mappings.values()} - {""}
        for mapping in project.mappings.values():
            every |= {trigger.path for trigger in mapping.triggers if isinstance(trigger, FileTrigger)}
        return [self.relative(path) for path in self.inbox.unclaimed(every)]

    def next_look(self) -> float | None:
        """After how many seconds something may be ripe; None where nothing is under way."""
        pending = [drop for drop in (self._known or {}).values() if drop.state in ("seen", "settling", "complete")]
        if not pending:
            return None
        due = [self._rests[drop.place].due for drop in pending if drop.place in self._rests]
        # A complete one that waits for another has no moment of its own.
        return max(0.0, min(due) - self._now()) if due else None

    def look(self, project: Project) -> Step:
        """Look at all folders once and bring the state up to date."""
        version = self._version
        watching = list(_watching(project))
        found = self.inbox.look({trigger.path for _mapping, trigger in watching})
        known = self._all()
        same = self._mappings is project.mappings and not self.inbox.changed
        if same and not any(drop.state in ("seen", "settling", "complete") for drop in known.values()):
            return Step()
        self._mappings = project.mappings
        changes: dict[tuple[str, str], tuple[Drop | None, Drop | None]] = {}
        after = dict(known)
        for old, drop in self._advanced(watching, found, known):
            changes[drop.place] = (old, drop)
            after[drop.place] = drop
        for drop in self._gone(project, watching, found, known):
            changes[drop.place] = (drop, None)
            del after[drop.place]
            self._rests.pop(drop.place, None)
            self._readers.forget(self.root / drop.path)
        queued, wanted = self._queued(project, after)
        for drop in queued:
            old = changes.get(drop.place, (known.get(drop.place), None))[0]
            changes[drop.place] = (old, drop)
            after[drop.place] = drop
        made = tuple(change for change in changes.values() if change[0] != change[1])
        if made and not self.drops.replace(made):
            self.stale()
            return Step()
        # Whoever called stale() meanwhile knows more than this look.
        if made and version == self._version:
            self._known = after
        return Step(made, tuple(wanted))

    def _all(self) -> dict[tuple[str, str], Drop]:
        if self._known is None:
            self._known = {drop.place: drop for drop in self.drops.all()}
        return self._known

    def try_again(self, mapping: str) -> None:
        """The mapping was changed: what it refused is looked at once more, but for lists that a newer one followed."""
        drops = self.drops.all(mapping)
        refused = [drop for drop in drops if drop.state == "refused" and drop.stamp and drop.code != "plan_rejected"]
        good = max((drop for drop in drops if drop.state == "done"), key=age, default=None)
        moment = self.store.now()
        changes: list[tuple[Drop | None, Drop | None]] = []
        for drop in refused:
            if good is not None and age(good) > age(drop):
                changes.append((drop, superseded(drop, good.path, moment)))
            else:
                changes.append((drop, replace(drop, state="complete", ran=None, outcome=None, since=moment)))
        self.drops.replace(changes)
        self.stale()

    def plan_again(self, plan: str) -> bool:
        """A plan that is held can't be approved any more: its lists are looked at once more. False: there are none.

        They keep its number until they have another one: where the new run is skipped they go on waiting.
        """
        held = [drop for drop in self.drops.all() if drop.state == "held" and drop.plan == plan and drop.stamp]
        moment = self.store.now()
        self.drops.replace(
            [(drop, replace(drop, state="complete", ran=None, outcome=None, since=moment)) for drop in held]
        )
        self.stale()
        return bool(held)

    def look_again(self, drop: Drop) -> None:
        """Nobody runs it any more."""
        self.drops.replace([(drop, replace(drop, state="seen", since=self.store.now()))])
        self.stale()

    # -- one file ------------------------------------------------------------------------------------------------------

    def _advanced(
        self,
        watching: Iterable[tuple[Mapping, FileTrigger]],
        found: dict[str, Found],
        known: dict[tuple[str, str], Drop],
    ) -> Iterator[tuple[Drop | None, Drop]]:
        self.reasons = {}
        seen: set[tuple[str, str]] = set()
        for mapping, trigger in watching:
            here = found[trigger.path]
            if here.reason is not None:
                self.reasons[mapping.id] = here.reason
            for look in here.looks:
                place = (mapping.id, self.relative(look.path))
                if place in seen:
                    continue
                seen.add(place)
                old = known.get(place)
                new = self._next(old, look, mapping, trigger, place)
                if new != old:
                    yield old, new

    def _next(
        self, old: Drop | None, look: Look, mapping: Mapping, trigger: FileTrigger, place: tuple[str, str]
    ) -> Drop:
        if old is not None and old.state == "running":
            return old
        if old is None or old.stamp != look.stamp:
            self._rest(place, look, mapping)
            new = Drop(*place, look.stamp, _ordered(look), "seen", self.store.now(), trigger=trigger.id)
            if old is None or not old.stamp:
                return new
            return replace(new, ran=old.ran, outcome=old.outcome, run=old.run, plan=old.plan)
        if old.state not in ("seen", "settling"):
            return old
        rest = self._rests.get(place)
        if rest is None or rest.stamp != look.stamp:
            # The engine was started anew: what it has not seen lying still itself must rest once more.
            rest = self._rest(place, look, mapping)
        settling = old if old.state == "settling" else replace(old, state="settling", since=self.store.now())
        return self._complete(settling, look, rest) if self._now() >= rest.due else settling

    def _rest(self, place: tuple[str, str], look: Look, mapping: Mapping) -> _Rest:
        now = self._now()
        before = self._rests.get(place)
        first = before.first if before is not None else now
        rest = self._rests[place] = _Rest(look.stamp, now, now + mapping.model.source.settle, first)
        return rest

    def _complete(self, drop: Drop, look: Look, rest: _Rest) -> Drop:
        """The drop with its content; as it was before where that has run already; pending where it can't be read."""
        try:
            content = self._content(drop, look)
        except Unread:
            rest.due = self._now() + READING_PAUSE
            return drop
        except Busy:
            message = _("Another program still has the file open for writing. It is run when that is done.")
            return self._waiting(drop, rest, message)
        except OSError as error:
            reason = why(error)
            message = _("The file can't be read: {reason}. It is tried again by itself.").format(reason=reason)
            return self._waiting(drop, rest, message)
        if content is None:
            rest.stamp = ""  # touched while it was read: the next look sees how it is
            return replace(drop, code=None, reason=None)
        if content == drop.ran and drop.outcome is not None:
            reason = _("The same content as in the last run.")
            self._rests.pop(drop.place, None)
            return replace(drop, state=drop.outcome, content=content, code="same_content", reason=reason)
        self._rests.pop(drop.place, None)
        return replace(drop, state="complete", content=content, since=self.store.now(), code=None, reason=None)

    def _content(self, drop: Drop, look: Look) -> str | None:
        """As :func:`_content`; a large file is read in a thread: :class:`Unread` as long as that takes."""
        if look.size < LARGE:
            return _content(look)
        reading = self._readers.read(look)
        if not reading.done():
            raise Unread
        self._readers.forget(look.path)
        return reading.result()

    def _waiting(self, drop: Drop, rest: _Rest, reason: str) -> Drop:
        """A file that can't be taken yet is tried again, less and less often."""
        rest.due = self._now() + BUSY_PAUSES[min(rest.tries, len(BUSY_PAUSES) - 1)]
        rest.tries += 1
        return replace(drop, code="file_busy", reason=reason)

    # -- which of several ----------------------------------------------------------------------------------------------

    def _queued(self, project: Project, drops: dict[tuple[str, str], Drop]) -> tuple[list[Drop], list[Drop]]:
        """Complete drops that wait from now on or are superseded, and those whose mapping is to be run."""
        by_mapping: dict[str, list[Drop]] = {}
        good: dict[str, Drop] = {}
        for drop in drops.values():
            if drop.state in ("done", "held"):
                good[drop.mapping] = max(drop, good.get(drop.mapping, drop), key=age)
            if (drop.is_pending and drop.state != "running") or (drop.state == "failed" and drop.stamp):
                by_mapping.setdefault(drop.mapping, []).append(drop)
        changed: list[Drop] = []
        wanted: list[Drop] = []
        for mapping_id, waiting in by_mapping.items():
            # What has failed waits, too: to be tried again.
            complete = [drop for drop in waiting if drop.state in ("complete", "queued", "failed")]
            mapping = project.mappings.get(mapping_id)
            together = mapping is not None and mapping.model.source.combine == "all"
            moment = self.store.now()
            if not together:
                # A failed list is not tried again once a newer one has been run.
                late = [drop for drop in complete if drop.state == "failed" and _is_followed(drop, good)]
                changed += [superseded(drop, good[mapping_id].path, moment) for drop in late]
                complete = [drop for drop in complete if drop not in late]
            states = {drop.state for drop in complete}
            if "complete" not in states and (together or states != {"queued", "failed"}):
                continue
            newest = max(complete, key=age)
            if any((together or age(drop) > age(newest)) and self._is_young(drop) for drop in waiting):
                continue
            for drop in complete:
                if drop is not newest and not together:
                    changed.append(superseded(drop, newest.path, moment))
                elif drop.state == "complete" or (together and drop.state == "failed"):
                    changed.append(replace(drop, state="queued", since=moment))
            wanted += [newest] if together or newest.state != "failed" else []
        return changed, wanted

    def _is_young(self, drop: Drop) -> bool:
        """Whether a file is still being written and may be waited for."""
        rest = self._rests.get(drop.place)
        begun = rest.first if rest is not None else 0.0
        patience = LONG_PATIENCE if self._readers.is_reading(self.root / drop.path) else PATIENCE
        return drop.state in ("seen", "settling") and drop.code is None and self._now() - begun < patience

    # -- files that are gone -------------------------------------------------------------------------------------------

    def _gone(
        self,
        project: Project,
        watching: Iterable[tuple[Mapping, FileTrigger]],
        found: dict[str, Found],
        known: dict[tuple[str, str], Drop],
    ) -> list[Drop]:
        """Drops whose path holds nothing any more. Where a folder can't be read nothing is known about its files."""
        here: dict[str, set[str]] = {}
        unknown: set[str] = set()
        for mapping, trigger in watching:
            looked = found[trigger.path]
            here.setdefault(mapping.id, set()).update(self.relative(look.path) for look in looked.looks)
            unknown |= {mapping.id} if looked.reason is not None else set()
        gone = []
        for drop in known.values():
            if drop.state == "running" or drop.mapping in unknown:
                continue
            if drop.mapping in here:
                archived = not drop.stamp and drop.state in FINAL
                gone += [drop] if drop.path not in here[drop.mapping] and not archived else []
            elif drop.mapping not in project.ids or drop.is_pending:
                # Nobody watches for it: what is over stays on record as long as the mapping exists.
                gone.append(drop)
        return gone

    def relative(self, path: Path) -> str:
        """A path as the state keeps it: from the project's folder where it lies inside."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)


def finished(drop: Drop, state: DropState, moment: str) -> Drop:
    """A drop whose content is not to be run again as long as its path holds it."""
    return replace(drop, state=state, since=moment, ran=drop.content, outcome=state)


def superseded(drop: Drop, by: str, moment: str) -> Drop:
    """A drop that never runs, because a newer one of its mapping does."""
    message = _("A newer file came at the same time: {file}. Only that one is run.").format(file=by)
    return replace(finished(drop, "superseded", moment), code="superseded", reason=message)


def _is_followed(drop: Drop, good: dict[str, Drop]) -> bool:
    """Whether a newer list of the same mapping has been run."""
    return drop.mapping in good and age(good[drop.mapping]) > age(drop)


def _watching(project: Project) -> Iterator[tuple[Mapping, FileTrigger]]:
    for mapping in project.mappings.values():
        if mapping.model.enabled:
            for trigger in mapping.triggers:
                if isinstance(trigger, FileTrigger):
                    yield mapping, trigger


def _ordered(look: Look) -> str:
    return f"{look.modified:025d}"


def age(drop: Drop) -> tuple[str, str]:
    """What orders drops from old to new."""
    return drop.modified, drop.path


def _content(look: Look) -> str | None:
    """The hash of the whole file; None where it was touched meanwhile.

    Raises OSError where it can't be read, and :class:`Busy` where somebody still writes.
    """
    stat = look.path.stat()
    if (stat.st_size, stat.st_mtime_ns) != (look.size, look.modified):
        return None
    with look.path.open("rb") as file:
        # Network drives refuse leases also where nobody writes: there it can't be told.
        if not is_network(look.path.parent) and is_being_written(file):
            raise Busy
        found = hashlib.file_digest(file, "sha256").hexdigest()
    stat = look.path.stat()
    return found if (stat.st_size, stat.st_mtime_ns) == (look.size, look.modified) else None
