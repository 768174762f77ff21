"""PURE: what a line that is no YAML was meant to be. Every proposal is tried; only one that parses further is taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from engine.config.text import Edit
from engine.i18n import _, ngettext

LOOK_BACK = 3
LOOK_BACK_QUOTES = 40
LONGEST_LINE = 2_000

_HEAD = re.compile(r"[ ]*(?:-[ ]+)*(?:(?:\"[^\"]*\"|'[^']*'|[^\s#'\"{\[&*!|>%@`-][^#'\"{]*?):[ ]+)?")
_IN_FLOW = re.compile(r"(?:[\[,{]|[\[,{][^\[\]{},'\"]*:)[ ]*(\{[{%])")
_NO_BLANK = re.compile(r"[ ]*(?:-[ ]+)*[^\W\d][\w.]*(:)(?=[^\s:/])")
_NO_COLON = re.compile(r"[ ]*(?:-[ ]+)*[^\W\d][\w.]*(?=[ ]+[^\s=])")
_EQUALS = re.compile(r"[ ]*(?:-[ ]+)*[^\W\d][\w.]*([ ]*=[ ]*)(?=[^\s=])")
_DRIVE = re.compile(r'"[A-Za-z]:\\[A-Za-z][^"/:]*(?:\.\w{2,5}|\*)"')
"""A file on a drive of Windows in double quotes: any other text there means what YAML takes it for."""
_NO_DASH = re.compile(r"[ ]*(-?)(?=[^\s:{}\[\]\"'#|>=*&!%@`-])[^:{}\[\]\"'=]*")
_LISTS = ("alarm_groups", "alarmGroups", "osGroups", "osFunctions", "notify", "weekday")
"""Keys below which texts stand, one a line."""
_OUTERMOST = ("source", "variables", "tables", "actions", "tests", "triggers", "conditions")
_OF_SOURCE = ("where", "expect", "key", "columns")
_WORD = re.compile(r"[ ]*(?:-[ ]+)*[^\W\d][\w.]*[ ]*")
_BRACKETS = re.compile(r"\"[^\"\n]*\"|(?<!\w)'[^'\n]*'|(?:^|(?<=\s))#[^\n]*|[\[\]{}]", re.MULTILINE)
_COMMENT = re.compile(r"[ ]+#[^'\"]*$")
_GLUED = re.compile(r"[ ]*(?:-[ ]+)*(-)[^\W\d]\w*:(?=[ ]|$)")
_GLUED_BEGINNING = re.compile(r"[ ]*(?:-[ ]+)*(-)(?:trigger|platform|condition|action|name):(?=[ ]|$)")
_ODD = "\u00a0\u2007\u202f"
_ODD_BLANKS = re.compile(
    rf"([ {_ODD}]*(?:-[ {_ODD}]+)*)(?:(?:\"[^\"]*\"|'[^']*'|[^\s#'\"{{\[&*!|>%@`-][^#'\"{{:]*):([ {_ODD}]+))?"
)
_FREE = ("columns", "variables", "fields", "row")
"""Keys below which every name is the user's own, or the target's."""
_STRUCTURAL = (
    *("source", "variables", "tables", "actions", "tests", "triggers", "conditions", "columns", "where", "expect"),
    *("connection", "match", "fields", "removal", "guard", "row"),
)


@dataclass(frozen=True, slots=True)
class Syntax:
    """What the parser says: ``line`` and ``column`` count from 0, ``begun`` is where the thing began it was in."""

    problem: str
    context: str
    line: int
    column: int
    begun: int
    begun_column: int


@dataclass(frozen=True, slots=True)
class Mend:
    """A proposal: what was wrong and where (counted from 0), and the edits of that line that put it right."""

    code: str
    message: str
    line: int
    column: int
    edits: tuple[Edit, ...]
    hint: str = ""
    sure: bool = True
    """Whether it can be made for the user: what was typed can have meant nothing else."""

    def applied(self, line: str) -> str:
        """The corrected line."""
        for edit in sorted(self.edits, key=lambda edit: edit.column, reverse=True):
            line = line[: edit.column] + edit.inserted + line[edit.column + edit.removed :]
        return line


def proposals(lines: list[str], error: Syntax) -> Iterator[Mend]:
    """Everything the mistake could be, the surest first."""
    lines = [line if len(line) <= LONGEST_LINE else "" for line in lines]
    near = [line for line in range(error.line, max(error.line - LOOK_BACK, 0) - 1, -1) if line < len(lines)]
    if not near or error.line >= len(lines):
        return
    if "document" in error.problem:
        yield from _at_home(lines, error)
        return
    yield from _tabs(lines, error)
    for line in near:
        yield from _dashes(lines[line], line)
    for line in near:
        yield from _glued(lines[line], line, _GLUED)
    for line in near:
        yield from _templates(lines[line], line)
    for line in dict.fromkeys((*near, error.begun)):
        yield from _equals(lines[line], line)
    yield from _quotes(lines, error)
    for line in reversed(near[:2]):
        yield from _missing_dashes(lines, line)
    yield from _at_home(lines, error)
    for line in dict.fromkeys((*near[:2], error.begun)):
        yield from _colons(lines[line], line)
    yield from _starts(lines, error)
    yield from _brackets(lines, error)
    yield from _indentation(lines, error)


# -- tabs ------------------------------------------------------------------------------------------------------------


def _tabs(lines: list[str], error: Syntax) -> Iterator[Mend]:
    if "'\\t'" not in error.problem:
        return
    line = lines[error.line]
    message = _("A tab stands where only blanks may stand.")
    blank = line[: len(line) - len(line.lstrip())]
    if "\t" in blank:
        for indent in _instead_of(lines, error.line, blank):
            edit = Edit(0, len(blank), " " * indent)
            hint = _("Put {wanted} blanks before it.").format(wanted=indent)
            sure = _is_only_level(lines, error.line, indent)
            yield Mend("tab_indentation", message, error.line, blank.index("\t"), (edit,), hint, sure)
        return
    end = error.column
    while end < len(line) and line[end] in " \t":
        end += 1
    yield Mend("tab_indentation", message, error.line, error.column, (Edit(error.column, end - error.column, " "),))


def _is_only_level(lines: list[str], index: int, width: int) -> bool:
    """Whether a line with tabs can begin nowhere else: the lines around it have none and leave no choice."""
    above = next((line for line in reversed(lines[:index]) if _says_something(line)), "")
    below = next((line for line in lines[index + 1 :] if _says_something(line)), "")
    if "\t" in above[: len(above) - len(above.lstrip())] + below[: len(below) - len(below.lstrip())]:
        return False
    if above.rstrip().endswith(":"):
        # As the only line below a key it may stand anywhere behind it.
        return width == _indent(below) > _indent(above) or width > _indent(above) >= _indent(below)
    return width == _indent(below) == _indent(above)


def without_tabs(lines: list[str], size: int) -> dict[int, Edit]:
    """For each line that is indented by tabs, the edit that puts ``size`` blanks for each of them."""
    edits = {}
    for index, line in enumerate(lines):
        blank = line[: len(line) - len(line.lstrip(" \t"))]
        if "\t" in blank and _says_something(line):
            edits[index] = Edit(0, len(blank), " " * len(blank.expandtabs(size)))
    return edits


def _instead_of(lines: list[str], index: int, blank: str) -> list[int]:
    """How many blanks a line with tabs may want, the likeliest first: as many as the lines around it have."""
    above = next((line for line in reversed(lines[:index]) if _says_something(line)), "")
    below = next((line for line in lines[index + 1 :] if _says_something(line)), "")
    indent = _indent(above)
    wide = [len(blank.expandtabs(size)) for size in (2, 4, 8)]
    likely = [] if "\t" in below[: len(below) - len(below.lstrip())] else [_indent(below)]
    if above.rstrip().endswith(":"):
        return [width for width in (*likely, *wide, indent + 2) if width > indent]
    known = _levels(lines, index)
    return [width for width in (*likely, indent, *wide) if width in known]


def _dashes(line: str, index: int) -> Iterator[Mend]:
    """What word processors make of a hyphen."""
    if match := re.match(r"[ ]*([–—−])[ ]", line):
        message = _("A list item begins with a hyphen; this dash is another sign.")
        yield Mend("yaml_character", message, index, match.start(1), (Edit(match.start(1), 1, "-"),))


def _glued(line: str, index: int, pattern: re.Pattern[str]) -> Iterator[Mend]:
    """The dash of a list item without a blank behind it is the first letter of a key."""
    if match := pattern.match(line):
        message = _("A blank is missing behind the dash.")
        yield Mend("yaml_dash", message, index, match.start(1), (Edit(match.end(1), 0, " "),))


def glued_dashes(lines: list[str]) -> list[Mend]:
    """The list items without a blank behind the dash, by the words with which items begin. A key may look like that."""
    return [mend for index, line in enumerate(lines) for mend in _glued(line, index, _GLUED_BEGINNING)]


def with_plain_blanks(lines: list[str]) -> dict[int, tuple[Edit, ...]]:
    """For each line that is indented or parted by blanks that are none for YAML, the edits that put plain ones."""
    edits = {}
    for index, line in enumerate(lines):
        match = _ODD_BLANKS.match(line) if len(line) <= LONGEST_LINE else None
        spans = [match.span(part) for part in (1, 2) if match[part]] if match else []
        runs = [run.span() for start, end in spans for run in re.compile(f"[{_ODD}]+").finditer(line, start, end)]
        if runs:
            edits[index] = tuple(Edit(start, end - start, " " * (end - start)) for start, end in runs)
    return edits


# -- templates -------------------------------------------------------------------------------------------------------


def without_quotes(line: str) -> tuple[tuple[int, int], ...]:
    """From where to where templates stand in a line that should stand in quotes."""
    head = _HEAD.match(line)
    start = head.end() if head else 0
    if line.startswith(("{{", "{%"), start):
        value = line[start:].rstrip()
        last = max(value.rfind("}}"), value.rfind("%}")) + 2
        comment = re.search(r"[ ]#", value[last:]) if last > 1 else None
        if comment:
            value = value[: last + comment.start()].rstrip()
        return ((start, start + len(value)),)
    return tuple(_in_flow(line))


def _in_flow(line: str) -> Iterator[tuple[int, int]]:
    at = 0
    while match := _IN_FLOW.search(line, at):
        start = match.start(1)
        close = line.find("}}" if match[1] == "{{" else "%}", start)
        if close < 0:
            return
        end = close + 2
        while (more := re.match(r"[^,\]}]*?(?:\}\}|%\})", line[end:])) is not None and more[0]:
            end += more.end()
        yield start, end
        at = end


def _templates(line: str, index: int) -> Iterator[Mend]:
    places = without_quotes(line)
    if places:
        edits = tuple(edit for start, end in places for edit in quoting(line, start, end))
        yield Mend("template_without_quotes", _("A template must stand in quotes."), index, places[0][0], edits)


def quoting(line: str, start: int, end: int) -> tuple[Edit, ...]:
    """The edits that put a part of a line in quotes."""
    value = line[start:end]
    if '"' not in value and "\\" not in value:
        return Edit(start, 0, '"'), Edit(end, 0, '"')
    doubled = [Edit(start + match.start(), 0, "'") for match in re.finditer("'", value)]
    return Edit(start, 0, "'"), *doubled, Edit(end, 0, "'")


# -- quotes ----------------------------------------------------------------------------------------------------------


def _quotes(lines: list[str], error: Syntax) -> Iterator[Mend]:
    yield from _quote_inside(lines[error.line], error)
    message = _("A quotation mark is opened here and never closed.")
    oldest = max(error.line - LOOK_BACK_QUOTES, -1)
    for index in range(error.line, oldest, -1):
        value = _value_start(lines[index])
        mark = lines[index][value : value + 1]
        if mark and mark in "'\"" and lines[index].count(mark) % 2:
            end = len(_COMMENT.sub("", lines[index]).rstrip())
            yield Mend("yaml_quote", message, index, value, (Edit(end, 0, mark),))
    if "escape" in error.problem or "double-quoted" in error.context:
        found = backslash_path(lines[error.line], _value_start(lines[error.line]))
        if found is not None:
            yield replace(found, line=error.line)
    if "unknown escape" in error.problem:
        yield from _escape(lines[error.line], error)


def _quote_inside(line: str, error: Syntax) -> Iterator[Mend]:
    start = _value_start(line)
    mark = line[start : start + 1]
    if not mark or mark not in "'\"":
        return
    close = line.find(mark, start + 1)
    last = line.rfind(mark)
    if not start < close < error.column + 1 or last <= close or line[last + 1 :].strip():
        return
    inside = line[start + 1 : last]
    other = '"' if mark == "'" else "'"
    if other not in inside and "\\" not in inside:
        edits: tuple[Edit, ...] = (Edit(start, 1, other), Edit(last, 1, other))
    else:
        more = "'" if mark == "'" else "\\"
        edits = tuple(Edit(start + 1 + match.start(), 0, more) for match in re.finditer(mark, inside))
    message = _("The text in quotes ends here already: the same quotation mark stands inside of it.")
    yield Mend("quote_inside", message, error.line, close, edits)


def _escape(line: str, error: Syntax) -> Iterator[Mend]:
    at = line.rfind("\\", 0, error.column + 1)
    if at < 0:
        return
    message = _("In double quotes {written} is not known.").format(written=line[at : at + 2])
    start = _value_start(line)
    end = line.rfind('"')
    if line[start : start + 1] == '"' and end > start and "'" not in line[start:end]:
        yield Mend("yaml_escape", message, error.line, at, (Edit(start, 1, "'"), Edit(end, 1, "'")))
    edits = tuple(Edit(match.start(), 0, "\\") for match in re.finditer(r"\\(?![\\\"nrt])", line))
    yield Mend("yaml_escape", message, error.line, at, edits)


def _value_start(line: str) -> int:
    """Where the value of a line begins: behind its key, or the item's dash."""
    head = _HEAD.match(line)
    return head.end() if head else 0


# -- colons ----------------------------------------------------------------------------------------------------------


def _colons(line: str, index: int) -> Iterator[Mend]:
    if match := _NO_BLANK.match(line):
        message = _("A blank is missing behind the colon.")
        yield Mend("yaml_colon", message, index, match.start(1), (Edit(match.end(1), 0, " "),))
    start = _value_start(line)
    value = line[start:].rstrip()
    if start and (second := re.search(r":(?=[ ]|$)", value)) and not value.startswith(("'", '"', "{", "[", "&", "*")):
        end = start + len(_COMMENT.sub("", value).rstrip())
        message = _("A second colon stands in this line.")
        yield Mend("yaml_colon", message, index, start + second.start(), quoting(line, start, end))
    end = match.end() if (match := _NO_COLON.match(line)) else len(line.rstrip())
    if ":" not in line[: end + 1] and (match or _WORD.fullmatch(line)):
        message = _("A colon is missing behind the first word.")
        yield Mend("yaml_colon", message, index, end, (Edit(end, 0, ":"),))


def _equals(line: str, index: int) -> Iterator[Mend]:
    if match := _EQUALS.match(line):
        message = _("An equals sign stands here instead of a colon.")
        edit = Edit(match.start(1), len(match[1]), ": ")
        yield Mend("yaml_colon", message, index, match.start(1), (edit,))


def are_items(key: str, in_table: bool, first: str) -> bool:
    """Whether lines below a key, each a text alone, are items of a list: by the key, or by the dash of the first."""
    return in_table or key in _LISTS or first.startswith("-")


def without_dash(line: str) -> Edit | None:
    """The edit that makes a line an item of a list, where it is a text alone or its dash has no blank behind it."""
    match = _NO_DASH.fullmatch(_COMMENT.sub("", line))
    if match is None or not _says_something(line):
        return None
    return Edit(match.end(1), 0, " ") if match[1] else Edit(_indent(line), 0, "- ")


def dash_message(edit: Edit) -> str:
    """What is wrong with a line that :func:`without_dash` puts right."""
    if edit.inserted == " ":
        return _("A blank is missing behind the dash.")
    return _("This is an item of a list: `- ` belongs before it.")


def _missing_dashes(lines: list[str], index: int) -> Iterator[Mend]:
    """Items of a list of texts without their dash, or without the blank behind it."""
    edit = without_dash(lines[index])
    above = next((line for line in reversed(lines[:index]) if _says_something(line)), "")
    if edit is None:
        return
    indent = _indent(lines[index])
    key = re.match(r"[ ]*(?:-[ ]+)*([^\s#'\":{\[][^:]*):[ ]*(?:#.*)?$", above)
    beside = re.match(r"[ ]*-[ ]*[^\s:-][^:]*$", above) is not None and _indent(above) == indent
    below = key is not None and (key[1] in _LISTS or edit.inserted == " ") and _indent(above) <= indent
    if beside or below:
        yield Mend("yaml_dash", dash_message(edit), index, edit.column, (edit,))


# -- first characters, brackets --------------------------------------------------------------------------------------


def _starts(lines: list[str], error: Syntax) -> Iterator[Mend]:
    """``@``, `` ` ``, ``%``, ``*``, ``]`` … at the start of a value."""
    if not any(word in error.problem + error.context for word in ("any token", "alias", "node content", "a tag")):
        return
    line = lines[error.line]
    start = _value_start(line)
    value = _COMMENT.sub("", line[start:]).rstrip()
    if not value or value[0] not in "@`%*&,]}|>?-!" or not start <= error.column <= start + len(value):
        return
    message = _("A value can't start with {character}.").format(character=value[0])
    # `*name` may be an alias whose anchor is missing, `!word` a tag.
    sure = value[0] in "@`%" or value.startswith(("*.", "*/"))
    edits = quoting(line, start, start + len(value))
    yield Mend("yaml_character", message, error.line, start, edits, sure=sure)


def _brackets(lines: list[str], error: Syntax) -> Iterator[Mend]:
    if "flow" not in error.context or error.begun >= len(lines):
        return
    line = lines[error.begun]
    opened = line[error.begun_column : error.begun_column + 1]
    closing = {"[": "]", "{": "}"}.get(opened)
    if closing is None:
        return
    ends = [len(_COMMENT.sub("", line).rstrip())]
    if error.begun == error.line:
        ends.append(error.column)
    message = _("The bracket {sign} is opened here and never closed.").format(sign=opened)
    is_alone = ends[0] == error.begun_column + 1
    hint = _("Close it with {sign}, or take it away.").format(sign=closing) if is_alone else ""
    edits = [Edit(end, 0, closing) for end in ends] + ([Edit(error.begun_column, 1, "")] if is_alone else [])
    for edit in edits:
        yield Mend("yaml_bracket", message, error.begun, error.begun_column, (edit,), hint, sure=False)


def open_bracket(text: str) -> int:
    """Where the last bracket stands that is never closed; the end of the text where there is none."""
    opened: list[int] = []
    for found in _BRACKETS.finditer(text):
        if found[0] in ("[", "{"):
            opened.append(found.start())
        elif found[0] in ("]", "}") and opened:
            opened.pop()
    return opened[-1] if opened else len(text)


# -- backslashes in paths ---------------------------------------------------------------------------------------------


def backslash_path(line: str, start: int) -> Mend | None:
    """A path of Windows in double quotes, where a backslash begins a special sign."""
    match = _DRIVE.match(line, start)
    if match is None or re.fullmatch(r'"(?:[^\\]|\\\\)*"', match[0]):
        return None
    message = _("In double quotes a backslash begins a special sign: this path is not taken as it stands.")
    slashed = re.sub(r"(?<!^)\\+", "/", match[0].replace('"\\\\', '"//', 1))
    edit = Edit(start, len(match[0]), slashed)
    return Mend("yaml_escape", message, -1, start + match[0].index("\\"), (edit,), _("Write / instead of \\ in paths."))


# -- indentation -----------------------------------------------------------------------------------------------------


def _at_home(lines: list[str], error: Syntax) -> Iterator[Mend]:
    """A key of the language that stands in a column of nobody belongs where the language has it."""
    message = _("This line is indented differently from its neighbours.")
    above = next((i for i in range(error.line - 1, -1, -1) if _says_something(lines[i])), None)
    first = next((i for i, line in enumerate(lines) if _says_something(line)), None)
    for index in dict.fromkeys(i for i in (error.line, above, first) if i is not None):
        home = _home(lines, index)
        indent = _indent(lines[index])
        if home is not None and home != indent:
            hint = (
                put_blanks(home, indent)
                if home
                else _("It belongs at the outermost level: take away the blanks before it.")
            )
            hint += " " + _("Then it stands under `{key}:`.").format(key="source") if home else ""
            edit = Edit(0, indent, " " * home)
            yield Mend("yaml_indentation", message, index, indent, (edit,), hint, sure=True)


def _home(lines: list[str], index: int) -> int | None:
    """The column where a key of the language belongs, by its name; None for other keys."""
    key = re.match(r"[ ]*(\w+):(?:\s|$)", lines[index])
    if key is None:
        return None
    if key[1] in _OUTERMOST:
        return 0
    top = next((i for i in range(index - 1, -1, -1) if _says_something(lines[i]) and not lines[i][0].isspace()), None)
    if key[1] not in _OF_SOURCE or top is None or not lines[top].startswith("source:"):
        return None
    inside = [_indent(line) for line in lines[top + 1 : index] if _says_something(line)]
    inside += [] if inside else [_indent(line) for line in lines[index + 1 : index + 2] if _says_something(line)]
    return min(inside, default=2)


def put_blanks(wanted: int, found: int) -> str:
    """How many blanks belong before a line."""
    now = ngettext("now there is {found}", "now there are {found}", found).format(found=found)
    return ngettext("Put {wanted} blank before it; {now}.", "Put {wanted} blanks before it; {now}.", wanted).format(
        wanted=wanted, now=now
    )


def _indentation(lines: list[str], error: Syntax) -> Iterator[Mend]:
    if not _says_something(lines[error.line]):
        return
    message = _("This line is indented differently from its neighbours.")
    above = next((i for i in range(error.line - 1, -1, -1) if _says_something(lines[i])), None)
    opener = _opener(lines, error.line)
    wanted = _indent(lines[error.line])
    places = [(index, level) for index in (error.line, above) if index is not None for level in _nearest(lines, index)]
    if opener is not None and wanted in _open_levels(lines, opener) and _may_stand_under(lines, opener, wanted):
        # What was open before it is still wanted behind it: this line ends it by mistake.
        places.insert(0, (opener, wanted))
    for index, level in dict.fromkeys(places):
        indent = _indent(lines[index])
        if level != indent:
            hint = put_blanks(level, indent)
            hint = hint if level else _("Take away the blanks before it.")
            owner = _owner(lines, index, level)
            hint += " " + _("Then it stands under `{key}:`.").format(key=owner) if owner else ""
            yield Mend("yaml_indentation", message, index, indent, (Edit(0, indent, " " * level),), hint, sure=False)


def _nearest(lines: list[str], index: int) -> list[int]:
    """Where the line could begin, the nearest column first."""
    indent = _indent(lines[index])
    return sorted(_levels(lines, index), key=lambda level: (abs(level - indent), -level))


def _opener(lines: list[str], index: int) -> int | None:
    """The line in whose block this one stands, as it is indented."""
    indent = _indent(lines[index])
    return next((i for i in range(index - 1, -1, -1) if _says_something(lines[i]) and _indent(lines[i]) < indent), None)


def _may_stand_under(lines: list[str], index: int, level: int) -> bool:
    """Whether a line may begin in this column: keys of the language are no columns, fields or variables."""
    key = re.match(r"[ ]*(\w+):", lines[index])
    return _owner(lines, index, level) not in _FREE or key is None or key[1] not in _STRUCTURAL


def _owner(lines: list[str], index: int, level: int) -> str:
    """The key under which the line stands once it begins in this column; empty at the outermost level."""
    is_item = lines[index].lstrip().startswith("- ")
    for line in reversed(lines[:index]):
        dashes = len(line) - len(re.sub(r"^[ ]*(?:-[ ]+)*", "", line))
        if _says_something(line) and (dashes < level or (is_item and dashes == level)):
            key = re.match(r"[ ]*(?:-[ ]+)*([^\s#'\":{\[][^:]*):(?:\s|$)", line)
            return key[1] if key is not None and dashes == _indent(line) else ""
    return ""


def _levels(lines: list[str], index: int) -> set[int]:
    """The columns in which a line may begin: those of the blocks that are open above it, and of the line below."""
    below = next((line for line in lines[index + 1 :] if _says_something(line)), None)
    return _open_levels(lines, index) | ({_indent(below)} if below is not None else set())


def _open_levels(lines: list[str], index: int) -> set[int]:
    """The columns of the blocks that are open above a line."""
    levels: set[int] = set()
    lowest: int | None = None
    for line in reversed(lines[:index]):
        if not _says_something(line):
            continue
        indent = _indent(line)
        if lowest is None or indent < lowest:
            inner = len(line) - len(re.sub(r"^[ ]*(?:-[ ]+)+", "", line))
            if inner > indent and (lowest is None or inner < lowest):
                levels.add(inner)
            if lowest is None and line.rstrip().endswith(":"):
                levels.add(max(indent, inner) + 2)
            levels.add(indent)
            lowest = indent
        if indent == 0:
            break
    return levels


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")
