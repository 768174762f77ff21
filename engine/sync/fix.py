"""What is certain in a project's files is put right: every edit is tried before it is kept.

An edit is kept only if the project has fewer problems with it than without. Files that hold secrets by design are
never touched, and nothing is written before all edits are known.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from engine.config.apply import applied
from engine.config.find import SECRETS
from engine.config.load import Project, load
from engine.i18n import _
from engine.problems import Location, Problem, UserMustFix, why
from engine.sync.script import problems_of

BOM = "\ufeff"
MAX_ROUNDS = 50

Texts = dict[Path, str]


@dataclass(frozen=True, slots=True)
class Mended:
    """A file as it was and as it shall be."""

    path: Path
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Fixed:
    """``files`` that would be other ones, what was ``mended`` in them, and the ``problems`` that are left."""

    files: tuple[Mended, ...]
    mended: tuple[Problem, ...]
    problems: tuple[Problem, ...]


def fix(root: Path, mappings: Collection[str] | None = None) -> Fixed:
    """Put right what is certain, in all mappings or some of them; nothing is written."""
    return _Fixer(root.resolve(), mappings).fixed()


def write(files: Collection[Mended]) -> None:
    """Write the files, each in one go; one that became another one meanwhile is left alone.

    Raises UserMustFix where a file can't be written.
    """
    for mended in files:
        try:
            _write(mended)
        except OSError as error:
            reason = why(error)
            message = _("{file} can't be written: {reason}").format(file=mended.path.name, reason=reason)
            hint = _("Check its permissions, and whether another program has it open.")
            raise UserMustFix(Problem("file_not_writable", message, hint, Location(str(mended.path)))) from None


def _write(mended: Mended) -> None:
    path = mended.path.resolve()  # a link stays a link
    content = path.read_bytes()
    if _decoded(content) != mended.before:
        return
    bom = BOM if content.startswith(BOM.encode()) else ""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        fresh.write_bytes((bom + mended.after).encode())
        shutil.copymode(path, fresh)
        fresh.replace(path)
    finally:
        with suppress(FileNotFoundError):
            fresh.unlink()


def _decoded(content: bytes) -> str | None:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


class _Fixer:
    def __init__(self, root: Path, mappings: Collection[str] | None) -> None:
        self.root = root
        ids = load(root).ids if mappings is not None else {}
        self.files = None if mappings is None else {ids[name] for name in mappings}
        self.lying: dict[Path, str | None] = {}
        self.texts: Texts = {}
        self.mended: list[Problem] = []
        self.hopeless: set[Problem] = set()

    def fixed(self) -> Fixed:
        problems = self._problems(self.texts)
        for _round in range(MAX_ROUNDS):
            hopeful = [problem for problem in problems if self._is_hopeful(problem)]
            if not hopeful:
                break
            problems = self._tried(hopeful, problems)
        files = [Mended(path, self.lying[path] or "", text) for path, text in self.texts.items()]
        changed = tuple(mended for mended in files if mended.before != mended.after)
        return Fixed(changed, tuple(self.mended), tuple(problems))

    def _problems(self, texts: Texts) -> list[Problem]:
        project: Project = load(self.root, instead=texts)
        if self.files is None:
            return problems_of(project)
        # An id may become another one: files stay.
        return problems_of(project, [name for name, path in project.ids.items() if path in self.files])

    def _is_hopeful(self, problem: Problem) -> bool:
        path = self._path(problem)
        if not problem.fixes or path is None or path.name == SECRETS or problem in self.hopeless:
            return False
        if path not in self.lying:
            try:
                self.lying[path] = _decoded(path.read_bytes())
            except OSError:
                self.lying[path] = None
        return self.lying[path] is not None

    def _path(self, problem: Problem) -> Path | None:
        path = self.root / problem.at.file if problem.at.file else None
        return path if path is not None and path.is_relative_to(self.root) else None

    def _tried(self, wanted: list[Problem], problems: list[Problem]) -> list[Problem]:
        """The problems that are left when what helps is kept: all at once, or else half by half."""
        if not wanted:
            return problems
        texts, made = self._with(wanted, self.texts)
        if made:
            left, enough = self._problems(texts), len(made)
            if len(made) == 1 and len(left) >= len(problems):
                texts, more, left = self._looked_ahead(texts, left, problems)
                made += more
            if len(left) <= len(problems) - enough and _is_better(left, problems):
                self.texts, self.mended = texts, [*self.mended, *made]
                return left
        if len(wanted) == 1:
            self.hopeless.add(wanted[0])
            return problems
        half = len(wanted) // 2
        for part in (wanted[:half], wanted[half:]):
            problems = self._tried([problem for problem in part if problem in problems], problems)
        return problems

    def _looked_ahead(
        self, texts: Texts, left: list[Problem], before: list[Problem]
    ) -> tuple[Texts, list[Problem], list[Problem]]:
        """What one edit brought to light is mended with it: behind `trigger: datei` nobody saw `pfad:`."""
        known = _unplaced(before)
        fresh = [problem for problem in left if problem not in before and not _unplaced([problem]) <= known]
        hopeful = [problem for problem in fresh if self._is_hopeful(problem)]
        if not fresh or len(hopeful) < len(fresh):
            return texts, [], left
        further, made = self._with(hopeful, texts)
        if len(made) < len(hopeful):
            return texts, [], left
        after = self._problems(further)
        return (further, made, after) if len(after) < len(before) else (texts, [], left)

    def _with(self, wanted: list[Problem], onto: Texts) -> tuple[Texts, list[Problem]]:
        """The texts with these edits, and whose edits fit into them: at the most one a line."""
        texts, made = dict(onto), []
        taken: set[tuple[Path, int]] = set()
        for problem in wanted:
            path = self._path(problem)
            assert path is not None
            lines = {(path, one.line) for one in problem.fixes}
            text = applied(texts.get(path, self.lying[path] or ""), problem.fixes)
            if text is not None and not lines & taken:
                texts[path] = text
                taken |= lines
                made.append(problem)
        return texts, made


def _is_better(left: list[Problem], before: list[Problem]) -> bool:
    """Whether nothing is wrong that was not wrong before, wherever it stands by now."""
    return not _unplaced(left) - _unplaced(before)


def _unplaced(problems: list[Problem]) -> Counter[Problem]:
    return Counter(
        replace(problem, at=Location(problem.at.file, problem.at.line), fixes=(), hint="", used_by=())
        for problem in problems
    )
