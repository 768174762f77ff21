"""The ruamel door: text -> a tree of nodes that know where they stand, every scalar as text, tags resolved.

YAML's own ideas about numbers, dates and truth are not used (dsl.md §1): ``01067``, ``no`` and ``12:30`` stay as typed.
Everything wrong in a file becomes a problem; a mistake that is understood is mended in memory so that the ones behind
it are found in the same go.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from engine.config.find import CONFIGURATION, SECRETS
from engine.config.memory import Met, hash_of
from engine.config.mend import (
    LONGEST_LINE,
    Mend,
    Syntax,
    are_items,
    backslash_path,
    dash_message,
    glued_dashes,
    open_bracket,
    proposals,
    quoting,
    with_plain_blanks,
    without_dash,
    without_tabs,
)
from engine.config.node import Node
from engine.config.text import Edit, Text, split
from engine.config.values import CURLY_QUOTES
from engine.i18n import _
from engine.problems import Fix, Location, Problem, did_you_mean, why
from engine.problems import Path as KeyPath

MAX_FILE_BYTES = 1 << 19
MAX_NODES = 50_000
MAX_DEPTH = 50
MAX_BRACKETS = 200
MAX_INCLUDE_DEPTH = 20
MAX_REPAIRS = 50
MAX_TRIED = 1 << 18
TAB_SIZES = (2, 4, 8)
END = float("inf")
NULLS = frozenset({"", "~", "null", "Null", "NULL"})
SHIFTED = ("tab_indentation", "yaml_indentation")
"""Mistakes that go on from line to line: a block with tabs, or one that is shifted as a whole. Reported once."""
TAGS = (
    "!secret",
    "!env_var",
    "!include",
    "!include_dir_list",
    "!include_dir_named",
    "!include_dir_merge_list",
    "!include_dir_merge_named",
    "!input",
)

_SURROGATE = re.compile("[\ud800-\udfff]")
_SECRET_LINE = re.compile(
    r"^[ \t\-{]*(?!(?:key|schl(?:ü|ue)ssel)[ \t]*:)"  # the key of a source is the name of a column
    r"[\w.]*(?:key|pass|secret|token|kenn|schl|pw)[\w.]*[\"']?[ \t]*:[ \t]*(.*)$",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class Part:
    """The tree of a file that several others use, and what was met in it."""

    node: Node | None
    met: Met = field(default_factory=Met)


@dataclass
class Reader:
    """Reads files of one project. What is met along the way is gathered in ``met``.

    ``root`` is the project folder: nothing outside is ever included, also not through a symlink. ``secrets_root`` is
    the folder up to which ``secrets.yaml`` is looked for, starting beside the file that asks. ``included`` and
    ``secret_files`` are what was read before and still holds. ``instead`` are texts for what lies in some files.
    """

    root: Path
    secrets_root: Path
    met: Met = field(default_factory=Met)
    included: dict[Path, Part] = field(default_factory=dict, repr=False)
    secret_files: dict[Path, Part] = field(default_factory=dict, repr=False)
    instead: Mapping[Path, str] = field(default_factory=dict, repr=False)
    _texts: Mapping[Path, str] | None = field(default=None, repr=False)
    _stack: tuple[Path, ...] = ()
    _composed: dict[Path, tuple[str, _Composer, Any]] = field(default_factory=dict, repr=False)

    @property
    def problems(self) -> list[Problem]:
        """The problems met."""
        return self.met.problems

    @contextmanager
    def whole(self, texts: Mapping[Path, str] | None = None) -> Iterator[Met]:
        """Gather what is met in the meantime by itself: one file with all it uses.

        With ``texts``, these are all files that there are, whatever lies in the project; but for secrets.
        """
        before = self._texts, self.included
        if texts is not None:
            self._texts, self.included = texts, {}
        try:
            with self._apart() as met:
                yield met
        finally:
            self._texts, self.included = before
        if met.again:
            # It may look otherwise to the next one who asks.
            self.included = {path: part for path, part in self.included.items() if not part.met.again}

    @contextmanager
    def _apart(self) -> Iterator[Met]:
        before, self.met = self.met, Met()
        met = self.met
        try:
            yield met
        finally:
            self.met = before
            met.problems[:] = dict.fromkeys(met.problems)

    def read(self, path: Path, inputs: dict[str, Node] | None = None, only: str | None = None) -> Node | None:
        """The tree of a file; one without a value for an empty file. None (and a problem) if it can't be read.

        ``inputs`` are what ``!input`` names; with ``only``, just what stands under that key of the top level.
        """
        written = self._text(path)
        if written is None:
            return None
        name = self.relative(path)
        composer, root = self._compose(path, name, written, often=inputs is not None or only is not None)
        if composer.text.text != written or root is None:
            self.met.secrets |= _secrets_in_lines(written)
        builder = _Builder(self, path, name, composer.text, inputs, composer.problems)
        node = None
        if root is not None and only is not None:
            under = _under(root, only)
            if under is None:
                message = _("The key {key} is missing.").format(key=only)
                self.report("key_missing", message, _("Add it here."), Location(name, 1, 1))
            else:
                node = builder.build_root(under)
        elif root is not None:
            node = builder.build_root(root)
        elif not composer.problems:
            node = Node(None, Location(name, 1, 1))
        self.problems.extend(builder.with_path(problem) for problem in composer.problems)
        return node

    def _compose(self, path: Path, name: str, written: str, often: bool) -> tuple[_Composer, Any]:
        """ruamel's graph of a file; of one that is read ``often`` (a blueprint) it is made once."""
        known = self._composed.get(path)
        if known is not None and known[0] == written:
            return known[1], known[2]
        composer = _Composer(name)
        root = composer.compose(Text(written))
        if often:
            self._composed[path] = written, composer, root
        return composer, root

    def is_file(self, path: Path) -> bool:
        """Whether there is such a file."""
        if self._texts is not None:
            return path in self._texts
        self.met.look(path)
        return path.is_file()

    def report(
        self, code: str, message: str, hint: str = "", at: Location = Location(), fixes: tuple[Fix, ...] = ()
    ) -> None:
        """Note a problem and go on."""
        self.problems.append(Problem(code, message, hint, at, fixes=fixes))

    def relative(self, path: Path) -> str:
        """The file's name as the user knows it: relative to the project, with forward slashes."""
        try:
            return path.relative_to(self.root).as_posix()
        except ValueError:
            return str(path)

    def _text(self, path: Path) -> str | None:
        if self._texts is not None and path in self._texts:
            return self._texts[path]
        if path in self.instead:
            return self.instead[path]
        name = self.relative(path)
        seen = self.met.look(path)
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                self.report(
                    "file_too_large",
                    _("{file} is larger than {size} KiB.").format(file=name, size=MAX_FILE_BYTES >> 10),
                    _("A mapping is a few pages of text. Is this a list that was put into the wrong folder?"),
                    Location(name),
                )
                return None
            data = path.read_bytes()
        except OSError as error:
            self.report(
                "file_unreadable",
                _("{file} can't be read: {reason}").format(file=name, reason=why(error)),
                _("Check the file's name and its permissions."),
                Location(name),
            )
            return None
        seen.content = hash_of(data)
        try:
            text = data.decode("utf-8-sig")
            seen.text = text if path.name != SECRETS else None
            return text
        except UnicodeDecodeError as error:
            line = Text(data[: error.start].decode("latin-1") + "x").line_of(error.start) + 1
            self.report(
                "file_not_utf8",
                _("{file} is not saved as UTF-8.").format(file=name),
                _("Save it with the encoding UTF-8 in the editor."),
                Location(name, line, 1),
            )
            return None

    # -- tags ------------------------------------------------------------------------------------------------------

    def secret(self, name: str, asking: Path, at: Location) -> Node:
        """The value of ``!secret name``; a broken node and a problem where there is none."""
        broken = Node(None, at, secret=name, broken=True)
        if asking.name == SECRETS:
            self.report("secret_in_secrets", _("A secret can't be another secret."), _("Write the value itself."), at)
            return broken
        known: set[str] = set()
        for folder in [asking.parent, *asking.parent.parents]:
            values = self._secrets_in(folder)
            if values is not None and values.broken:
                return broken
            if values is not None and isinstance(values.value, dict):
                found = values.value.get(name)
                if found is not None:
                    return self._secret_value(name, found, at) or broken
                known |= values.value.keys()
            if folder in (self.secrets_root, self.root):
                break
        near = did_you_mean(name, known)
        hint = (
            _("Did you mean {name}?").format(name=near)
            if near
            else _("Add the line `{name}: …` to mappings/secrets.yaml (see secrets.example.yaml beside it).").format(
                name=name
            )
        )
        self.report("secret_missing", _("The secret {name} is not in secrets.yaml.").format(name=name), hint, at)
        return broken

    def _secret_value(self, name: str, found: Node, at: Location) -> Node | None:
        if isinstance(found.value, str):
            self.met.secrets.add(found.value)
            return Node(found.value, at, secret=name)
        if not found.broken:
            message = _("The secret {name} has no value.").format(name=name)
            if found.value is not None:
                message = _("The secret {name} must be one text.").format(name=name)
            hint = _("Write it as {line}; a `#` or `&` in it needs the quotes.").format(line=f'`{name}: "…"`')
            self.report("secret_missing", message, hint, found.at)
        return None

    def _secrets_in(self, folder: Path) -> Node | None:
        """The secrets of a folder; a broken node where its file can't be read, which has been reported."""
        path = folder / SECRETS
        if path not in self.secret_files:
            self.secret_files[path] = Part(None, Met(again=True))  # for what it includes itself
            self.secret_files[path] = self._secret_part(path)
        part = self.secret_files[path]
        seen = part.met.files.get(path)
        if seen is None or self.met.files.get(path) is not seen:
            self.met.add(part.met)
        return part.node

    def _secret_part(self, path: Path) -> Part:
        """The secrets as they lie there, read by themselves; their text is not kept."""
        texts, included, stack = self._texts, self.included, self._stack
        self._texts, self.included, self._stack = None, {}, ()
        try:
            with self._apart() as met:
                node = None
                if self.is_file(path):
                    node = self.read(path) or Node(None, Location(self.relative(path)), broken=True)
        finally:
            self._texts, self.included, self._stack = texts, included, stack
        for seen in met.files.values():
            seen.text = None
        return Part(node, met)

    def include(self, target: str, asking: Path, at: Location) -> Node | None:
        """The tree of ``!include target``, relative to the file that asks."""
        path = self.inside(asking.parent / target, target, at)
        if path is None:
            return None
        if not self.is_file(path):
            self.met.again = True
            near = did_you_mean(path.name, [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else [])
            self.report(
                "include_missing",
                _("The file {file} does not exist.").format(file=self.relative(path)),
                _("Did you mean {name}?").format(name=near) if near else _("Paths count from the file that includes."),
                at,
            )
            return None
        return self._nested(path, at)

    def include_folder(self, target: str, asking: Path, at: Location) -> list[tuple[str, Node]]:
        """The files of a folder and its sub-folders, by name, with their trees."""
        folder = self.inside(asking.parent / target, target, at)
        if folder is None:
            return []
        if self._texts is None and not folder.is_dir():
            self.met.again = True
            self.report(
                "include_missing",
                _("The folder {file} does not exist.").format(file=self.relative(folder)),
                _("Paths count from the file that includes."),
                at,
            )
            return []
        found = []
        for path in self._files_of(folder):
            inside = self.inside(path, self.relative(path), at)
            node = self._nested(inside, at) if inside is not None else None
            if node is not None:
                found.append((path.stem, node))
        return found

    def _files_of(self, folder: Path) -> tuple[Path, ...]:
        if self._texts is not None:
            return tuple(sorted(path for path in self._texts if is_wanted(path, folder)))
        self.met.folders[folder] = listed(folder)
        return self.met.folders[folder]

    def _nested(self, path: Path, at: Location) -> Node | None:
        """The tree of an included file, read once; its problems are noted for every file that includes it."""
        if path in self._stack or len(self._stack) >= MAX_INCLUDE_DEPTH:
            message = (
                _("{file} includes itself.").format(file=self.relative(path))
                if path in self._stack
                else _("The includes are nested too deeply.")
            )
            self.met.again = True
            self.report("include_circle", message, _("Take out one of the includes."), at)
            return None
        part = self.included.get(path)
        if part is None or len(self._stack) + part.met.height >= MAX_INCLUDE_DEPTH:
            before, self._stack = self._stack, (*self._stack, path)
            try:
                with self._apart() as met:
                    node = self.read(path)
            finally:
                self._stack = before
            part = self.included[path] = Part(node, met)
        self.met.add(part.met)
        self.met.height = max(self.met.height, part.met.height + 1)
        # Whoever fits it to a model puts keys right in it.
        return _copied(part.node, {}) if part.node is not None else None

    def inside(self, path: Path, written: str, at: Location) -> Path | None:
        """The path if it stays in the project, also through symlinks; else None and a problem."""
        try:
            resolved = Path(os.path.normpath(path))
            real = resolved.resolve()
            real.stat()
        except FileNotFoundError:
            pass
        except (OSError, ValueError, RuntimeError):
            hint = _("Write the name of a file in the project.")
            self.met.again = True
            self.report("include_missing", _("This can't be the name of a file."), hint, at)
            return None
        if not real.is_relative_to(self.root.resolve()) or not resolved.is_relative_to(self.root):
            self.met.again = True
            self.report(
                "include_outside",
                _("{file} lies outside of the project folder.").format(file=written),
                _("Copy it into the project: included files must lie there."),
                at,
            )
            return None
        return resolved


def yaml_files(folder: Path) -> Iterator[Path]:
    """All YAML files below ``folder`` but secrets and hidden ones."""
    for path in folder.rglob("*"):
        if is_wanted(path, folder) and (path.is_file() or not path.exists()):
            yield path


def listed(folder: Path) -> tuple[Path, ...]:
    """All :func:`yaml_files` in their order."""
    return tuple(sorted(yaml_files(folder)))


def is_wanted(path: Path, folder: Path) -> bool:
    """Whether a path is that of a YAML file below ``folder``, neither of secrets nor hidden."""
    if not path.is_relative_to(folder) or path.suffix.lower() not in (".yaml", ".yml"):
        return False
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.name not in (SECRETS, "secrets.example.yaml")


def _copied(node: Node, made: dict[int, Node]) -> Node:
    """The same tree with lists, keys and values of its own; what stands in it twice stays one."""
    if not isinstance(node.value, (dict, list)):
        return node
    if id(node) not in made:
        value = (
            {key: _copied(item, made) for key, item in node.value.items()}
            if isinstance(node.value, dict)
            else [_copied(item, made) for item in node.value]
        )
        made[id(node)] = replace(node, value=value)
    return made[id(node)]


def _under(root: Any, key: str) -> Any:
    if isinstance(root, MappingNode):
        for key_node, value_node in root.value:
            if isinstance(key_node, ScalarNode) and key_node.value == key:
                return value_node
    return None


def _secrets_in_lines(text: str) -> set[str]:
    """What looks like a literal secret in a file that is no valid YAML."""
    found = {value.strip().strip("'\"") for value in _SECRET_LINE.findall(text)}
    return {value for value in found if value and not value.startswith("!")}


class _Composer:
    """Text -> ruamel's node graph, after mending what is understood; every mistake is noted in ``problems``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self.text = Text("")
        self._budget = MAX_TRIED
        self._before = ("", -2)

    def compose(self, text: Text) -> Any:
        self.text = text
        if _deepest(text.text) > MAX_BRACKETS:
            self._too_deep()
            return None
        self._put_plain_blanks()
        self._part_dashes()
        for _attempt in range(MAX_REPAIRS):
            try:
                return _parsed(self.text)
            except RecursionError:
                self._too_deep()
                return None
            except MarkedYAMLError as error:
                if not self._expand_tabs(error) and not self._mend(error):
                    self._syntax(error)
                    return None
            except (YAMLError, ValueError) as error:
                self._unreadable(error)
                return None
        return None

    def _too_deep(self) -> None:
        message = _("The file is nested too deeply.")
        hint = _("Look for brackets too many; a mapping has a few levels only.")
        self.problems.append(Problem("yaml_too_deep", message, hint, Location(self.name, 1, 1)))

    def _put_plain_blanks(self) -> None:
        """Put blanks for non-breaking ones, which YAML takes for letters, where that changes what stands in what."""
        mends = [Mend("yaml_blank", "", line, 0, edits) for line, edits in with_plain_blanks(self.text.lines()).items()]
        text = self._all_mended(mends)
        if text is None:
            return
        message = _(
            "These blanks are non-breaking ones, copied from a web page or a word processor: they count as letters."
        )
        hint = _("Put ordinary blanks instead, here and in all lines below.")
        if len(mends) == 1:
            hint = _("Put ordinary blanks instead.")
        first = mends[0]
        fixes = [_fixes(self.name, self.text, mend) for mend in mends]
        every = tuple(fix for found in fixes for fix in found) if all(fixes) else ()
        at = Location(self.name, first.line + 1, first.edits[0].column + 1)
        self.problems.append(Problem("yaml_blank", message, hint, at, fixes=every))
        self.text = text

    def _part_dashes(self) -> None:
        """Put blanks behind the dashes of list items that would be read as keys."""
        mends = glued_dashes(self.text.lines())
        text = self._all_mended(mends)
        if text is None:
            return
        self.problems += [self._problem(mend) for mend in mends]
        self.text = text

    def _all_mended(self, mends: list[Mend]) -> Text | None:
        """The text with all of them; None where it is not read further with them and nothing gets another place."""
        text = self.text
        for mend in mends:
            text = text.mended(mend.line, mend.edits)
        self._budget -= 2 * len(text) if mends else 0
        if not mends or self._budget <= 0:
            return None
        before, after = _first_error(self.text), _first_error(text)
        if before == after == END:
            same = _structure(_levels(text)) == _structure(_levels(self.text))
            return None if same else text
        return text if after - len(text) + len(self.text) > before else None

    def _problem(self, mend: Mend) -> Problem:
        """The problem that a mend puts right, with the line as it should be."""
        column = self.text.original(mend.line, mend.column)
        line = self.text.lines()[mend.line]
        hint = mend.hint
        if not hint or mend.applied(line).strip() != line.strip():
            corrected = _shown(self.name, mend.applied(line))
            hint = f"{hint} {_('Write: {line}').format(line=f'`{corrected}`')}".strip()
        at = Location(self.name, mend.line + 1, column + 1)
        return Problem(mend.code, mend.message, hint, at, fixes=_fixes(self.name, self.text, mend))

    def _expand_tabs(self, error: MarkedYAMLError) -> bool:
        """Put blanks for the tabs of all lines at once, where that makes them readable. False where it does not."""
        if "'\\t'" not in str(error.problem):
            return False
        lines = self.text.lines()
        edits = without_tabs(lines, TAB_SIZES[0])
        if self._place(error).line not in edits or len(edits) < 2:
            return False  # a single line is put right by its neighbours
        found: list[tuple[int, dict[int, Edit], Text, Any]] = []
        for size in TAB_SIZES:
            edits, text = without_tabs(lines, size), self.text
            for line, edit in edits.items():
                text = text.mended(line, (edit,))
            self._budget -= len(text)
            reached = _first_error(text) if self._budget > 0 else 0
            if reached == END or text.line_of(int(reached)) > max(edits) + 1:
                found.append((size, edits, text, _levels(text) if reached == END else None))
        if not found:
            return False
        # Wide tabs keep apart what blanks behind a tab would put on one level: what they mean is meant.
        size, edits, text, _shape = next(one for one in found if one[3] == found[-1][3])
        self._report_tabs(edits, size, sure=found[-1][3] is not None)
        self.text = text
        return True

    def _report_tabs(self, edits: dict[int, Edit], size: int, sure: bool) -> None:
        first = min(edits)
        line = self.text.lines()[first]
        mends = [Mend("tab_indentation", "", number, 0, (edit,)) for number, edit in edits.items()]
        fixes = [_fixes(self.name, self.text, mend) for mend in mends]
        message = _("A tab stands where only blanks may stand.")
        hint = _("Put blanks instead, {size} for each tab, here and in all lines below.").format(size=size)
        at = Location(self.name, first + 1, self.text.original(first, line.index("\t")) + 1)
        every = tuple(fix for found in fixes for fix in found) if sure and all(fixes) else ()
        self.problems.append(Problem("tab_indentation", message, hint, at, fixes=every))

    def _mend(self, error: MarkedYAMLError) -> bool:
        """Try what the mistake could be, note it and go on with the mended text. False where nothing helps."""
        found = self._best(self._place(error), _index(error))
        if found is None:
            return False
        mend, text = found
        code, last = self._before
        goes_on = mend.code in SHIFTED and (last == mend.line or (code, last) == (mend.code, mend.line - 1))
        self._before = mend.code, mend.line
        problem = self._problem(mend)
        if goes_on and self.problems[-1].fixes:
            fixes = (*self.problems[-1].fixes, *problem.fixes) if problem.fixes else ()
            self.problems[-1] = replace(self.problems[-1], fixes=fixes)
        elif not goes_on:
            self.problems.append(problem)
        self.text = text
        return True

    def _best(self, syntax: Syntax, index: int) -> tuple[Mend, Text] | None:
        """The proposal after which the whole file can be parsed; else the first that gets the parser further."""
        further: tuple[Mend, Text] | None = None
        before: tuple[Mend, Text] | None = None
        for mend in proposals(self.text.lines(), syntax):
            if self._budget <= 0:
                break
            text = self.text.mended(mend.line, mend.edits)
            self._budget -= len(text)
            reached = _first_error(text)
            if reached == END:
                return mend, text
            line = text.line_of(int(reached))
            if further is None and line > mend.line and reached - len(text) + len(self.text) > index:
                further = mend, text
            elif before is None and line > mend.line + 1 and mend.code == "yaml_quote":
                # The open quote had swallowed lines in which the next mistake stands.
                before = mend, text
        return further or before

    def _place(self, error: MarkedYAMLError) -> Syntax:
        at = _index(error)
        since = error.context_mark.index if error.context_mark else at
        text = self.text
        if "flow node" in str(error.context):
            # The parser does not say which bracket is open.
            opened = open_bracket(text.text[:at])
            if text.line_of(opened) < text.line_of(at) or "<stream end>" in str(error.problem):
                since = opened
        return Syntax(
            str(error.problem or ""),
            str(error.context or ""),
            text.line_of(at),
            text.column_of(at),
            text.line_of(since),
            text.column_of(since),
        )

    def _syntax(self, error: MarkedYAMLError) -> None:
        syntax = self._place(error)
        found = _explain(syntax)
        line, column = (syntax.begun, syntax.begun_column) if found.begun else (syntax.line, syntax.column)
        at = Location(self.name, line + 1, self.text.original(line, column) + 1)
        self.problems.append(Problem(found.code, found.message, found.hint, at))

    def _unreadable(self, error: Exception) -> None:
        position = getattr(error, "position", None)
        line, column = self.text.place(position) if isinstance(position, int) else (1, 1)
        message = _("The file holds a character that can't stand in YAML.")
        hint = _("Remove it; it is often invisible (a NUL byte or another control character).")
        self.problems.append(Problem("yaml_character", message, hint, Location(self.name, line, column)))


def outline(text: str) -> Any:
    """What a file says, whatever it means: lists, dicts and texts, a tagged value with its tag before it.

    Two files with the same outline say the same. Raises ValueError for what is no YAML.
    """
    try:
        root = _parsed(Text(text))
        return _outlined(root) if root is not None else None
    except (YAMLError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _outlined(node: Any) -> Any:
    if isinstance(node, MappingNode):
        made: Any = {_outlined(key): _outlined(value) for key, value in node.value}
    elif isinstance(node, SequenceNode):
        made = [_outlined(item) for item in node.value]
    else:
        made = "" if node.style is None and node.value in NULLS else node.value
    tag = str(node.tag or "")
    return f"{tag} {made}" if tag.startswith("!") and len(tag) > 1 else made


def _levels(text: Text) -> Any:
    """What stands in what, in a text that can be parsed."""

    def shape(node: Any, depth: int = 0) -> Any:
        if depth > MAX_DEPTH or not isinstance(node, MappingNode | SequenceNode):
            return node.value if isinstance(node, ScalarNode) else None
        if isinstance(node, MappingNode):
            return {str(shape(key, depth + 1)): shape(value, depth + 1) for key, value in node.value}
        return [shape(item, depth + 1) for item in node.value]

    return shape(_parsed(text))


def _structure(shape: Any) -> Any:
    """What stands in what, of :func:`_levels`, whatever blanks are in the keys; the texts don't matter."""
    if isinstance(shape, dict):
        return {" ".join(key.split()): _structure(value) for key, value in shape.items()}
    return [_structure(item) for item in shape] if isinstance(shape, list) else None


def _fixes(name: str, text: Text, mend: Mend) -> tuple[Fix, ...]:
    """The edits of the file that put right what is certain; none in secrets, or in a line that was mended before."""
    if not mend.sure or text.is_mended(mend.line) or Path(name).name == SECRETS:
        return ()
    line = text.lines()[mend.line]
    return tuple(
        Fix(mend.line + 1, edit.column + 1, line[edit.column : edit.column + edit.removed], edit.inserted)
        for edit in mend.edits
    )


def _parsed(text: Text) -> Any:
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False  # a warning would be printed, with the line
    return yaml.compose(text.text)


def _first_error(text: Text) -> float:
    """The index at which the text can't be parsed any more; :data:`END` where it can be parsed."""
    try:
        _parsed(text)
    except MarkedYAMLError as error:
        return _index(error)
    except (YAMLError, ValueError, RecursionError):
        return 0
    return END


def _index(error: MarkedYAMLError) -> int:
    mark = error.problem_mark or error.context_mark
    return int(mark.index) if mark else 0


def _shown(name: str, line: str) -> str:
    """A corrected line for a hint; without the value in a file that holds secrets."""
    if Path(name).name not in (SECRETS, CONFIGURATION):
        return line.strip()
    if line.lstrip().startswith("- ") and ":" not in line:
        return "- …"
    key, colon, value = line.strip().partition(":")
    if not re.search(r"[^\s\[\]{}]", value):
        return line.strip()
    return f'{key}: "…"' if colon else "…"


def _deepest(text: str) -> int:
    """How deep brackets are nested, roughly: the parser is slow where they are many."""
    deepest = depth = 0
    for sign in re.findall(r"[\[\]{}]", text):
        depth = depth + 1 if sign in "[{" else max(depth - 1, 0)
        deepest = max(deepest, depth)
    return deepest


class _Mistake(NamedTuple):
    """What a file that is no YAML has; ``begun``: the place is where the thing began that the parser was in."""

    code: str
    message: str
    hint: str
    begun: bool = False


def _explain(error: Syntax) -> _Mistake:
    """What the parser's words mean."""
    problem, context = error.problem, error.context
    if "while scanning a quoted scalar" in context or "unexpected end of stream" in problem:
        message = _("A quotation mark is opened here and never closed.")
        return _Mistake("yaml_quote", message, _("Put the same mark at the end of the value."), begun=True)
    if "expected ':'" in problem:
        hint = _("Every line is `key: value`, with a blank behind the colon.")
        return _Mistake("yaml_colon", _("A colon is missing here."), hint, begun=True)
    if "mapping values are not allowed" in problem:
        message = _("A second colon stands in this line, or it is indented differently from its neighbours.")
        return _Mistake(
            "yaml_indentation", message, _("Put the value in quotes, or align the line with the ones around it.")
        )
    is_before = (error.begun, error.begun_column) < (error.line, error.column)
    if "flow" in context and ("expected ',' or" in problem or is_before):
        message = _("A bracket is opened here and not closed, or a comma is missing behind it.")
        hint = _("Separate the values by commas and close every bracket; put texts with brackets in quotes.")
        return _Mistake("yaml_bracket", message, hint, begun=True)
    if "expected <block end>" in problem or "entries are not allowed" in problem:
        hint = _("Keys of the same level start in the same column; list items start with `- `.")
        return _Mistake("yaml_indentation", _("This line is indented differently from its neighbours."), hint)
    if "single document" in context or "another document" in problem:
        hint = _("Take out the line `---`, or put what follows it into a file of its own.")
        return _Mistake("yaml_documents", _("A file holds one document only."), hint)
    if "alias" in problem or "alias" in context:
        hint = _("Define it above with `&name`. If a text is meant, put it in quotes.")
        return _Mistake("yaml_alias", _("The alias is not defined."), hint)
    if "cannot start any token" in problem or "expected the node content" in problem:
        return _Mistake("yaml_character", _("A value can't start with this character."), _("Put the value in quotes."))
    return _Mistake("yaml_syntax", _("This is not valid YAML."), _("Put values with special characters in quotes."))


class _Builder:
    """Turns ruamel's nodes of one file into ours."""

    def __init__(
        self,
        reader: Reader,
        path: Path,
        name: str,
        text: Text,
        inputs: dict[str, Node] | None,
        problems: list[Problem],
    ) -> None:
        self.reader = reader
        self.path = path
        self.name = name
        self.text = text
        self.inputs = inputs
        self.built: dict[int, Node] = {}
        self.open: set[int] = set()
        self.way: list[str | int] = []
        self.places: dict[int, list[tuple[int, KeyPath]]] = {}
        self.unclosed = {(one.at.line, one.at.column) for one in problems if one.code == "yaml_bracket"}

    def build_root(self, root: Any) -> Node | None:
        try:
            node = self.build(root)
        except RecursionError:
            node = Node(None, Location(self.name, 1, 1), depth=MAX_DEPTH + 1)
        if node.depth > MAX_DEPTH:
            hint = _("Write the values out; a mapping has a few levels only.")
            self.reader.report("yaml_too_deep", _("The file is nested too deeply."), hint, Location(self.name, 1, 1))
            return None
        if node.weight > MAX_NODES:
            self.reader.report(
                "yaml_too_large",
                _("With all its aliases and includes the file has more than {limit} values.").format(limit=MAX_NODES),
                _("Aliases that hold aliases grow without bound; write the values out."),
                Location(self.name, 1, 1),
            )
            return None
        return node

    def with_path(self, problem: Problem) -> Problem:
        """A mistake of the syntax with the way to the value it stands in."""
        entries = self.places.get(problem.at.line or 0, [])
        first = min((column for column, _path in entries), default=1)
        column = max(problem.at.column or 1, first)
        path = next((path for begun, path in reversed(entries) if begun <= column), ())
        return problem.located(replace(problem.at, path=path))

    def at(self, node: Any) -> Location:
        line, column = self.text.place(node.start_mark.index)
        return Location(self.name, line, column, tuple(self.way))

    def report(self, code: str, message: str, hint: str, at: Location) -> Node:
        """Note a problem; a broken node for what stands there."""
        self.reader.report(code, message, hint, at)
        return Node(None, at, broken=True)

    def build(self, node: Any) -> Node:
        known = self.built.get(id(node))
        if known is not None:
            return known
        at = self.at(node)
        self.places.setdefault(at.line or 1, []).append((at.column or 1, at.path))
        if id(node) in self.open:
            return self.report("yaml_alias", _("An alias holds itself."), _("Write the values out."), at)
        self.open.add(id(node))
        built = self._build(node, at)
        if (at.line, at.column) in self.unclosed:
            built.broken = True
        self.open.discard(id(node))
        self.built[id(node)] = built
        return built

    def _below(self, part: str | int, node: Any) -> Node:
        self.way.append(part)
        try:
            return self.build(node)
        finally:
            self.way.pop()

    def _build(self, node: Any, at: Location) -> Node:
        tag = str(node.tag) if node.tag else ""
        if tag.startswith("!") and tag != "!":
            return self._tagged(tag, node, at)
        if isinstance(node, MappingNode):
            return self._mapping(node, at)
        if isinstance(node, SequenceNode):
            return _list([self._below(index, item) for index, item in enumerate(node.value)], at)
        assert isinstance(node, ScalarNode)
        if _SURROGATE.search(node.value):
            message = _("This text holds half a character.")
            return self.report("yaml_character", message, _("Write the character itself."), at)
        start, end = node.start_mark.index, node.end_mark.index
        raw = self.text.text[start:end]
        style = str(node.style) if node.style else None
        if style == '"':
            self._look_at_path(node, at)
        value = None if style is None and node.value in NULLS else node.value
        return Node(value, at, raw=raw, style=style, source=self.text, start=start)

    def _mapping(self, node: Any, at: Location) -> Node:
        template = self._template(node, at)
        if template is not None:
            return template
        values: dict[str, Node] = {}
        keys: dict[str, Location] = {}
        merged: list[tuple[Any, Location]] = []
        for key_node, value_node in node.value:
            key_at = self.at(key_node)
            if not isinstance(key_node, ScalarNode):
                hint = _("Write it as one text, in quotes if need be.")
                self.report("key_not_text", _("A key must be text."), hint, key_at)
                continue
            key = self._key(key_node, key_at)
            key_at = replace(key_at, path=(*self.way, key))
            self.places.setdefault(key_at.line or 1, []).append((key_at.column or 1, key_at.path))
            if key == "<<" and not key_node.style:
                merged.append((value_node, key_at))
                continue
            if key in values:
                message = _("The key {key} stands here a second time (first in line {line}).")
                hint = _("Take out one of the two.")
                self.report("duplicate_key", message.format(key=key, line=keys[key].line), hint, key_at)
                continue
            items = self._without_dashes(key, value_node, key_at)
            values[key] = self._below(key, value_node) if items is None else items
            keys[key] = key_at
        for value_node, key_at in merged:
            self._merge(self._below("<<", value_node), values, keys, key_at)
        return _dict(values, at, keys)

    def _key(self, node: Any, at: Location) -> str:
        """A key as it is meant: typographic quotes around it are no part of it."""
        key: str = node.value
        if node.style or len(key) < 2 or key[0] not in CURLY_QUOTES or key[-1] not in CURLY_QUOTES:
            return key
        bare = key.strip(CURLY_QUOTES)
        message, hint = _("These quotes are typographic: they would be taken along."), _("Write: {line}")
        line = self.text.line_of(node.start_mark.index)
        edit = Edit(self.text.column_of(node.start_mark.index), len(key), f'"{bare}"')
        sure = bool(bare) and '"' not in bare and "\\" not in bare
        fixes = _fixes(self.name, self.text, Mend("", "", line, 0, (edit,), sure=sure))
        self.reader.report("typographic_quotes", message, hint.format(line=f'"{bare}"'), at, fixes)
        return bare

    def _look_at_path(self, node: Any, at: Location) -> None:
        """A path of Windows in double quotes that is valid and means something else: ``\\t`` is a tab."""
        line = self.text.line_of(node.start_mark.index)
        text = self.text.lines()[line]
        mend = backslash_path(text, self.text.column_of(node.start_mark.index))
        if mend is None:
            return
        mend = replace(mend, line=line)
        hint = f"{mend.hint} {_('Write: {line}').format(line=f'`{_shown(self.name, mend.applied(text))}`')}"
        self.reader.report(mend.code, mend.message, hint, at, _fixes(self.name, self.text, mend))

    def _without_dashes(self, key: str, node: Any, key_at: Location) -> Node | None:
        """The list that lines without dashes were meant to be, which YAML joins into one text; None where none was."""
        if not isinstance(node, ScalarNode) or node.style or str(node.tag or "").startswith("!"):
            return None
        first, last = self.text.line_of(node.start_mark.index), self.text.line_of(node.end_mark.index - 1)
        in_table = len(self.way) > 1 and self.way[0] == "tables"
        if self.text.column_of(node.start_mark.index) == 0 or not are_items(key, in_table, node.value):
            return None
        lines = self.text.lines()[first : last + 1]
        edits = [without_dash(line) for line in lines if not line.lstrip().startswith("- ")]
        begins_here = lines[0].strip() and self.text.column_of(node.start_mark.index) == len(lines[0]) - len(
            lines[0].lstrip()
        )
        if not begins_here or None in edits or (len(lines) == 1 and not node.value.startswith("-")):
            return None
        numbered = [(number, without_dash(line)) for number, line in enumerate(lines, first)]
        made = [(number, edit) for number, edit in numbered if edit is not None]
        fixes = [_fixes(self.name, self.text, Mend("", "", number, 0, (edit,))) for number, edit in made]
        every = tuple(fix for found in fixes for fix in found) if all(fixes) else ()
        at = replace(self.at(node), path=key_at.path)
        hint = _("Write: {line}").format(
            line=f"`{_shown(self.name, Mend('', '', 0, 0, (made[0][1],)).applied(lines[0]))}`"
        )
        self.reader.report("yaml_dash", dash_message(made[0][1]), hint, at, every)
        return _list([Node(line.strip().lstrip("- "), at) for line in lines], at)

    def _merge(self, source: Node, values: dict[str, Node], keys: dict[str, Location], at: Location) -> None:
        for one in source.value if isinstance(source.value, list) else [source]:
            if not isinstance(one.value, dict):
                if not one.broken:
                    hint = _("Name keys and values that stand above: `<<: *name`.")
                    self.report("merge_not_mapping", _("`<<` needs keys and values."), hint, at)
                continue
            for key, value in one.value.items():
                if key not in values:
                    values[key] = value
                    keys[key] = one.keys.get(key, at)

    def _template(self, node: Any, at: Location) -> Node | None:
        """``{{ x }}`` without quotes is a mapping whose key is a mapping: report it and take the text it meant."""
        start, end = node.start_mark.index, node.end_mark.index
        raw = self.text.text[start:end]
        if not raw.startswith(("{{", "{%")):
            return None
        first = self.text.line_of(start)
        head = self.text.lines()[first][: self.text.column_of(start)]
        meant = " ".join(part.strip() for part in split(raw))
        tail = split(self.text.text[end : end + LONGEST_LINE])[0]
        written = head + meant + tail
        mend = Mend("", "", first, len(head), quoting(written, len(head), len(head + meant)))
        hint = _("Write: {line}").format(line=f"`{_shown(self.name, mend.applied(written))}`")
        # On several lines the quotes would have to go round all of them.
        fixes = _fixes(self.name, self.text, mend) if len(split(raw)) == 1 else ()
        self.reader.report("template_without_quotes", _("A template must stand in quotes."), hint, at, fixes)
        return Node(raw, at, raw=raw, source=self.text, start=start)

    def _tagged(self, tag: str, node: Any, at: Location) -> Node:
        if tag not in TAGS:
            return self._unknown_tag(tag, at)
        if not isinstance(node, ScalarNode) or not node.value.strip():
            hint = _("Write for example {line}.").format(line=f"`{tag} …`")
            return self.report("tag_without_name", _("Behind {tag} a name must follow.").format(tag=tag), hint, at)
        missing = Node(None, at, broken=True)
        handlers: dict[str, Callable[[str, Location], Node]] = {
            "!secret": lambda word, at: self.reader.secret(word, self.path, at),
            "!env_var": self._env_var,
            "!include": lambda word, at: self.reader.include(word, self.path, at) or missing,
            "!input": self._input,
        }
        handler = handlers.get(tag)
        if handler is not None:
            return handler(node.value.strip(), at)
        return self._folder(tag, node.value.strip(), at)

    def _unknown_tag(self, tag: str, at: Location) -> Node:
        near = did_you_mean(tag, TAGS)
        if near:
            hint = _("Did you mean {name}?").format(name=near)
            return self.report("unknown_tag", _("The tag {tag} is not known.").format(tag=tag), hint, at)
        # It may be a password that starts with an exclamation mark: its text is not repeated.
        hint = _("If a text is meant, put it in quotes. Known are: {names}").format(names=", ".join(TAGS))
        return self.report("unknown_tag", _("A value that starts with ! is a tag; this one is not known."), hint, at)

    def _env_var(self, words: str, at: Location) -> Node:
        name, _blank, default = words.partition(" ")
        try:
            value = self.reader.met.variables[name] = os.environ.get(name)
        except ValueError:
            value = None
        if value is not None or default.strip():
            return Node(default.strip() if value is None else value, at)
        message = _("The environment variable {name} is not set.").format(name=name)
        hint = _("Set it, or give a default: `!env_var {name} default`.").format(name=name)
        return self.report("env_var_missing", message, hint, at)

    def _input(self, name: str, at: Location) -> Node:
        if self.inputs is None:
            message = _("!input may only stand in a blueprint.")
            return self.report("input_outside_blueprint", message, _("Write the value itself."), at)
        if name in self.inputs:
            return self.inputs[name]
        near = did_you_mean(name, self.inputs)
        message = _("The blueprint has no input {name}.").format(name=name)
        hint = _("Did you mean {name}?").format(name=near) if near else _("Add it to the blueprint under `input:`.")
        return self.report("unknown_input", message, hint, at)

    def _folder(self, tag: str, target: str, at: Location) -> Node:
        found = self.reader.include_folder(target, self.path, at)
        if tag == "!include_dir_list":
            return _list([node for _name, node in found], at)
        if tag == "!include_dir_named":
            return self._named([(name, node, node.at) for name, node in found], at)
        if tag == "!include_dir_merge_list":
            items: list[Node] = []
            for _name, node in found:
                if isinstance(node.value, list):
                    items += node.value
                elif not node.broken:
                    hint = _("Each entry starts with `- `.")
                    self.report("include_not_list", _("This file must hold a list."), hint, node.at)
            return _list(items, at)
        entries = []
        for _name, node in found:
            if isinstance(node.value, dict):
                entries += [(key, value, node.keys.get(key, value.at)) for key, value in node.value.items()]
            elif not node.broken:
                hint = _("Write `key: value` lines.")
                self.report("include_not_mapping", _("This file must hold keys and values."), hint, node.at)
        return self._named(entries, at)

    def _named(self, entries: list[tuple[str, Node, Location]], at: Location) -> Node:
        values: dict[str, Node] = {}
        keys: dict[str, Location] = {}
        for key, value, key_at in entries:
            if key in values:
                first = keys[key]
                message = _("The key {key} stands here a second time (first in {place}).")
                self.report(
                    "duplicate_key", message.format(key=key, place=first), _("Take out one of the two."), key_at
                )
            else:
                values[key], keys[key] = value, key_at
        return _dict(values, at, keys)


def _list(items: list[Node], at: Location) -> Node:
    depth = 1 + max((item.depth for item in items), default=0)
    return Node(items, at, weight=1 + sum(item.weight for item in items), depth=depth)


def _dict(values: dict[str, Node], at: Location, keys: dict[str, Location]) -> Node:
    depth = 1 + max((value.depth for value in values.values()), default=0)
    weight = 1 + sum(1 + value.weight for value in values.values())
    return Node(values, at, keys=keys, weight=weight, depth=depth)
