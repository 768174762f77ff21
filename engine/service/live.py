"""What runs: the newest version of every mapping that is good, the last good one where the newest is broken.

Good versions are kept in the state with the texts of their files, so that a restart while something is broken changes
nothing. A text in which a secret stands in plain is never kept, neither that of a mapping nor the configuration's: over
a restart there is no last good version of it then.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from engine import __version__
from engine.config.find import CONFIGURATION, FOLDER
from engine.config.load import Mapping as MappingFile
from engine.config.load import Memory, Project, load
from engine.config.memory import YOUNG, Stamp, is_young, stamp_of
from engine.config.node import Node
from engine.config.schema import Connection
from engine.config.secret import SHORTEST
from engine.config.yaml import listed
from engine.problems import Problem
from engine.service.git import commit_of
from engine.state.store import now_text
from engine.state.versions import CONFIGURATION as OF_CONFIGURATION
from engine.state.versions import Version, Versions
from engine.sync.script import prepare

PATIENCE = timedelta(seconds=1.5)
"""How long changes that go on are waited for."""

_COMMENTED_OUT = re.compile(r"#.*(?:key|pass|secret|token|kenn|schl|pw)\w*[\"']?[ \t]*:[ \t]*(?!!)\S", re.IGNORECASE)

Texts = dict[Path, str]


@dataclass(frozen=True, slots=True)
class Stale:
    """A mapping (None: the configuration) whose newest version is broken.

    ``since``: when that was first seen by this process. ``running``: its last good version goes on; else there is none,
    or it may not, and it does not run at all.
    """

    mapping: str | None
    since: datetime
    problems: tuple[Problem, ...]
    running: bool


@dataclass(frozen=True, slots=True)
class _Check:
    """What :func:`prepare` found, and what it looked at."""

    mapping: MappingFile
    connections: tuple[Connection | None, ...]
    timezone: str
    configuration: Node | None
    errors: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Judged:
    """What shall run from now on, what is broken, and which versions are accepted for that or are gone."""

    project: Project
    stale: dict[str | None, Stale]
    accepted: tuple[Version, ...] = ()
    gone: tuple[str, ...] = ()


class Live:
    """The project as it runs. One thread looks; any thread may take ``project``, which is replaced as a whole.

    ``newest`` is the folder as it lies there. ``changed`` are the mappings whose good version became another one, new
    or edited, when something changed last; at first those that are others than the state remembers.
    """

    project: Project
    newest: Project
    stale: Mapping[str | None, Stale]
    changed: frozenset[str]

    def __init__(self, root: Path, versions: Versions, clock: Callable[[], datetime]) -> None:
        self.root = root.resolve()
        self.stale = {}
        self._folder = self.root / FOLDER
        self._configuration = self._folder / CONFIGURATION
        self._versions = versions
        self._clock = clock
        self._memory = Memory()
        self._checks: dict[tuple[str, str], _Check] = {}
        self._accepted = versions.all()
        self._texts = {name: self._absolute(version.texts) for name, version in self._accepted.items()}
        self._starting = True
        self._settled = False
        """Whether there has been a good configuration."""
        self._others: dict[Path, Stamp | tuple[()] | None] = {}
        self._folders: dict[Path, tuple[Path, ...]] = {}
        self._unrest: tuple[datetime, object] | None = None
        self._again_at: datetime | None = None
        self._take(self._walked())
        self._starting = False

    @property
    def commit(self) -> str | None:
        """The commit of the git work tree that the project lies in; None without one."""
        return commit_of(self.root)

    @property
    def restless(self) -> bool:
        """Whether changes were seen that are not taken in yet."""
        return self._unrest is not None

    def look(self) -> bool:
        """Whether something changed; cheap where nothing did. To be called every second or more often.

        Changes are taken in when two looks in a row found the same, or when they have gone on for 1.5 seconds. Raises
        :class:`UserMustFix` where the state can't be written: nothing is taken in then, and the next look tries again.
        """
        walked = self._walked()
        there = walked, [stamp_of(path) for path in self._others], [listed(folder) for folder in self._folders]
        now = self._clock()
        if there == self._read:
            self._unrest = None
            return self._again_at is not None and now >= self._again_at and self._take(walked)
        since, last = self._unrest or (now, None)
        if there != last and now - since < PATIENCE:
            self._unrest = since, there
            return False
        self._unrest = now - PATIENCE, there
        changed = self._take(walked)
        self._unrest = None
        return changed

    # -- what lies there -----------------------------------------------------------------------------------------------

    def _walked(self) -> dict[str, Stamp | None]:
        """All YAML files below ``mappings/`` with their stamps, also secrets and blueprints; never hidden ones."""
        found: dict[str, Stamp | None] = {}
        folders = [str(self._folder)]
        while folders:
            try:
                with os.scandir(folders.pop()) as entries:
                    for entry in entries:
                        if entry.name.startswith("."):
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.path)
                        elif entry.name.lower().endswith((".yaml", ".yml")):
                            found[entry.path] = _stamp(entry)
            except OSError:
                continue
        return found

    def _note_read(self, walked: dict[str, Stamp | None]) -> None:
        """What the next looks are compared with: the files walked over, and whatever else was read."""
        self._others, self._folders = {}, {}
        for met in self._memory.met():
            for path, seen in met.files.items():
                if str(path) not in walked:
                    # One that changed while it was read for the second time equals nothing.
                    same = self._others.setdefault(path, seen.stamp) == seen.stamp
                    self._others[path] = seen.stamp if same else ()
            self._folders |= {f: files for f, files in met.folders.items() if not f.is_relative_to(self._folder)}
        # What was written only just now may be written again under the same stamp: once more by its content.
        young = any(map(is_young, (*walked.values(), *(stamp or None for stamp in self._others.values()))))
        self._again_at = self._clock() + timedelta(microseconds=YOUNG / 1000) if young else None
        self._read = walked, list(self._others.values()), list(self._folders.values())

    # -- what runs -----------------------------------------------------------------------------------------------------

    def _take(self, walked: dict[str, Stamp | None]) -> bool:
        newest = load(self.root, self._memory)
        errors = _configuration_errors(newest)
        if not errors:
            judged = self._judge(newest)
        elif self._settled:
            judged = self._go_on(newest, errors)
        else:
            judged = self._restore(newest, errors)
        shown = [self._storable(newest, version) for version in judged.accepted]
        if shown or judged.gone:
            self._versions.save(shown, judged.gone)
        changed = {
            version.mapping
            for version in judged.accepted
            if version.mapping != OF_CONFIGURATION
            and (version.mapping not in self._accepted or self._accepted[version.mapping].hash != version.hash)
        }
        for version in judged.accepted:
            self._accepted[version.mapping] = version
            self._texts[version.mapping] = self._absolute(version.texts)
        for name in judged.gone:
            del self._accepted[name], self._texts[name]
        self.newest = newest
        self._settled = self._settled or not errors or bool(judged.project.mappings)
        self._note_read(walked)
        if not self._starting and judged.project == self.project and judged.stale == self.stale and not changed:
            return False
        kept = {(m.id, m.hash) for project in (newest, judged.project) for m in _all_of(project)}
        self._checks = {key: check for key, check in self._checks.items() if key in kept}
        self.project, self.stale, self.changed = judged.project, judged.stale, frozenset(changed)
        return True

    def _judge(self, newest: Project) -> _Judged:
        """The configuration is good: every mapping counts for itself."""
        good = {name: mapping for name, mapping in newest.mappings.items() if not self._errors(newest, mapping)}
        gone = tuple(name for name in self._mapping_ids() if not self._is_there(newest, name, good))
        broken = [name for name in self._mapping_ids() if name not in good and name not in gone]
        kept = {
            self.root / self._accepted[name].file: self._texts[name]
            for name in broken
            if self._texts[name] and not self._is_disabled(newest, name)
        }
        running = self._load(kept) if kept else newest
        alive = {
            name: mapping
            for name, mapping in running.mappings.items()
            if name in good or (mapping.file in kept and not self._errors(running, mapping))
        }
        project = running if len(alive) == len(running.mappings) else replace(running, mappings=alive)
        stale = self._stale(newest, good, broken, alive)
        return _Judged(project, stale, tuple(self._accept(newest, good)), gone)

    def _go_on(self, newest: Project, errors: tuple[Problem, ...]) -> _Judged:
        """The configuration is broken: what ran goes on, but for what was deleted or switched off."""
        before = self.project
        unknown = not self._configuration.is_file()  # the whole folder may be away: nobody deleted anything
        alive = {
            name: mapping
            for name, mapping in before.mappings.items()
            if unknown or (self._is_there(newest, name, newest.mappings) and not self._is_disabled(newest, name))
        }
        ids = (before.ids if unknown else newest.ids) | {name: mapping.file for name, mapping in alive.items()}
        return self._under_broken(replace(before, mappings=alive, ids=ids), newest, errors, running=True)

    def _restore(self, newest: Project, errors: tuple[Problem, ...]) -> _Judged:
        """The configuration is broken from the start: its last good text is taken, and only mappings known as good."""
        nothing = self._under_broken(replace(newest, mappings={}), newest, errors, running=False)
        if not self._texts.get(OF_CONFIGURATION):
            return nothing
        kept = {self._configuration: self._texts[OF_CONFIGURATION]}
        for name in self._mapping_ids():
            there = self._is_there(newest, name, newest.mappings) and not self._is_disabled(newest, name)
            if self._texts[name] and there:
                kept[self.root / self._accepted[name].file] = self._texts[name]
        running = self._load(kept)
        if _configuration_errors(running):
            return nothing
        alive = {
            name: mapping
            for name, mapping in running.mappings.items()
            if name in self._accepted
            and mapping.hash == self._accepted[name].hash
            and not self._is_disabled(newest, name)
            and not self._errors(running, mapping)
        }
        return self._under_broken(replace(running, mappings=alive), newest, errors, running=True)

    def _load(self, kept: dict[Path, Texts]) -> Project:
        """The project with these texts; those that are no good any more, with what else lies there, are left out."""
        while True:
            project = load(self.root, self._memory, kept)
            spoiled = [
                file
                for file in kept
                if file != self._configuration and any(p.severity == "error" for p in project.problems_of[file])
            ]
            if not spoiled:
                return project
            kept = {file: texts for file, texts in kept.items() if file not in spoiled}

    # -- what is known of a mapping ------------------------------------------------------------------------------------

    def _mapping_ids(self) -> list[str]:
        return [name for name in self._accepted if name != OF_CONFIGURATION]

    def _is_there(self, newest: Project, name: str, good: Mapping[str, MappingFile]) -> bool:
        """Whether a mapping was not deleted. While its file is broken, the id that stands there may be another."""
        if name in newest.ids or name not in self._accepted:
            return name in newest.ids
        file = self.root / self._accepted[name].file
        return file in newest.problems_of and all(mapping.file != file for mapping in good.values())

    def _is_disabled(self, newest: Project, name: str) -> bool:
        file = newest.ids.get(name, self.root / self._accepted[name].file if name in self._accepted else None)
        return any(mapping.file == file and mapping.model.enabled is False for mapping in _all_of(newest))

    def _errors(self, project: Project, mapping: MappingFile) -> tuple[Problem, ...]:
        """What keeps a mapping from running that was read without errors. Known as long as it would be the same."""
        connections = tuple(project.connections.get(action.model.connection) for action in mapping.actions)
        facts = connections, project.configuration.timezone
        known = self._checks.get((mapping.id, mapping.hash))
        if known is not None and known.mapping is mapping and (known.connections, known.timezone) == facts:
            if not known.errors or known.configuration is project.configuration_node:
                return known.errors
        elif self._starting and mapping.id in self._accepted:
            # What was good is good: a run looks once more.
            version = self._accepted[mapping.id]
            if (version.hash, version.mark) == (mapping.hash, _mark(project, mapping)):
                self._checks[mapping.id, mapping.hash] = _Check(mapping, *facts, project.configuration_node, ())
                return ()
        job, problems = prepare(project, mapping)
        job.close()
        errors = tuple(problem for problem in problems if problem.severity == "error")
        self._checks[mapping.id, mapping.hash] = _Check(mapping, *facts, project.configuration_node, errors)
        return errors

    # -- what is broken ------------------------------------------------------------------------------------------------

    def _stale(
        self, newest: Project, good: Iterable[str], broken: Iterable[str], alive: Mapping[str, MappingFile]
    ) -> dict[str | None, Stale]:
        """Every mapping that is not good, each file of them under the id it ran with."""
        files = {name: newest.ids.get(name, self.root / self._accepted[name].file) for name in broken}
        known = {*files.values()}
        files |= {name: file for name, file in newest.ids.items() if name not in good and file not in known}
        return {name: self._one(name, self._problems(newest, file), name in alive) for name, file in files.items()}

    def _under_broken(self, project: Project, newest: Project, errors: tuple[Problem, ...], running: bool) -> _Judged:
        """Beside the configuration itself: the mappings with mistakes of their own, and those that don't run."""
        stale: dict[str | None, Stale] = {None: self._one(None, errors, running)}
        named = {file: name for name, file in newest.ids.items()} | {m.file: m.id for m in project.mappings.values()}
        for file, name in named.items():
            own = [problem for problem in newest.problems_of.get(file, ()) if problem.severity == "error"]
            runs = name in project.mappings
            if own or not (runs or self._is_disabled(newest, name)):
                stale[name] = self._one(name, tuple(own) or errors, runs)
        return _Judged(project, stale)

    def _one(self, name: str | None, problems: tuple[Problem, ...], running: bool) -> Stale:
        since = self.stale[name].since if name in self.stale else self._clock()
        return Stale(name, since, problems, running)

    def _problems(self, newest: Project, file: Path) -> tuple[Problem, ...]:
        found = newest.errors_of(file)
        for mapping in _all_of(newest):
            found += self._errors(newest, mapping) if mapping.file == file else ()
        return tuple({replace(problem, used_by=()): problem for problem in reversed(found)}.values())[::-1]

    # -- what is kept --------------------------------------------------------------------------------------------------

    def _accept(self, newest: Project, good: Mapping[str, MappingFile]) -> Iterator[Version]:
        """The good versions that are others than those on record."""
        moment = now_text(self._clock())
        texts = self._memory.settings[False].met.texts()
        found = [(OF_CONFIGURATION, self._configuration, _digest([*texts.values()]), "")]
        found += [(name, mapping.file, mapping.hash, _mark(newest, mapping)) for name, mapping in good.items()]
        for name, path, value, mark in found:
            known, file = self._accepted.get(name), self._relative(path)
            if known is None or (known.file, known.hash, known.mark) != (file, value, mark):
                read = texts if name == OF_CONFIGURATION else self._memory.units[path].met.texts()
                yield Version(name, file, value, mark, moment, {self._relative(one): read[one] for one in read})

    def _storable(self, newest: Project, version: Version) -> Version:
        """The version as it may be kept: without its texts where a secret can be read in them."""
        settings = self._memory.settings[False]
        if version.mapping == OF_CONFIGURATION:
            node, secrets = settings.node, settings.met.secrets
            shown = any(_COMMENTED_OUT.search(text) for text in version.texts.values())
        else:
            mapping = newest.mappings[version.mapping]
            node, secrets = mapping.node, settings.met.secrets | self._memory.units[mapping.file].met.secrets
            shown = False
        words = [*version.texts.values(), *_literals(node)]
        return replace(version, texts={}) if shown or _shows(words, secrets) else version

    def _relative(self, path: Path) -> str:
        return (path.relative_to(self.root) if path.is_relative_to(self.root) else path).as_posix()

    def _absolute(self, texts: Mapping[str, str]) -> Texts:
        return {self.root / name: text for name, text in texts.items()}


def _configuration_errors(project: Project) -> tuple[Problem, ...]:
    """What is wrong with the configuration or with secrets: nothing at all may run with them."""
    return tuple(project.errors_of(project.root / FOLDER / CONFIGURATION))


def _all_of(project: Project) -> Iterator[MappingFile]:
    yield from project.mappings.values()
    yield from project.drafts


def _mark(project: Project, mapping: MappingFile) -> str:
    """Changes with whatever a mapping is checked against: its connections, and this program."""
    names = sorted({action.model.connection for action in mapping.actions})
    connections = [[name, project.connection_hashes.get(name)] for name in names]
    return _digest([mapping.hash, connections, project.configuration.timezone, __version__])


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode("utf-8", "surrogatepass")).hexdigest()


def _shows(words: Iterable[str], secrets: Iterable[str]) -> bool:
    """Whether a secret stands in one of the texts; a short one must stand there as a word."""
    wanted = [
        re.escape(secret) if len(secret) >= SHORTEST else rf"(?<!\w){re.escape(secret)}(?!\w)"
        for secret in secrets
        if secret.strip()
    ]
    pattern = re.compile("|".join(wanted))
    return bool(wanted) and any(pattern.search(text) for text in words)


def _literals(node: Node | None) -> Iterator[str]:
    """The values that stand in the files themselves, also where they are written in another way than they are."""
    if node is None:
        return
    if isinstance(node.value, dict):
        for value in node.value.values():
            yield from _literals(value)
    elif isinstance(node.value, list):
        for value in node.value:
            yield from _literals(value)
    elif isinstance(node.value, str) and node.raw:
        yield node.value


def _stamp(entry: os.DirEntry[str]) -> Stamp | None:
    try:
        found = entry.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns
