"""A sample list -> the text of a first mapping, with everything marked that a person has to decide.

What is written is right as a mapping (``check`` finds nothing), and switched off: a guess must not alarm anybody, nor
take anybody out of an alarm.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from engine.config.emit import comment, flow_list, scalar
from engine.config.load import Project
from engine.config.names import proposed_name
from engine.config.schema import Connection, Fe2Connection
from engine.config.words import check_mark
from engine.i18n import _, language, ngettext
from engine.problems import Location, Problem, UserMustFix
from engine.sync.headings import Facts, Guess, Role
from engine.sync.nested import Listed
from engine.sync.sample import WITH_WAYS, Sample

ACTIONS = {"fe2": "fe2.sync", "greyhound": "greyhound.sync"}
MOST_GROUPS = 20
MOST_STATES = 8
LONGEST_VALUE = 40

_COMPUTED = frozenset({"mobil", "festnetz", "mail"})
_CAN_BE_NAMED = re.compile(r"[\w .()/+&°-]+")

_DATED = re.compile(r"[ _.-]*(?:(?:stand|vom|per)?[ _.-]*[0-9]{2,}[ _.-]*)+$", re.IGNORECASE)


@dataclass(frozen=True)
class Draft:
    """A mapping as text, and the lines (from 1) that somebody must look at, with what they say."""

    text: str
    key: str
    columns: dict[str, tuple[str, ...]]
    checks: tuple[tuple[int, str], ...]


# -- the text --------------------------------------------------------------------------------------------------------


def connection_for(project: Project, kind: str) -> tuple[str, list[str]]:
    """The connection to take, and the others of this kind. Raises :class:`UserMustFix` where there is none."""
    fitting = [name for name, one in project.connections.items() if one.type == kind]
    if fitting:
        return fitting[0], fitting[1:]
    message = _("There is no connection of the type {kind} in mappings/configuration.yaml. Nothing was written.")
    lines = {
        "fe2": ("url: https://fe2.example.org:83", "access_key: !secret fe2_key"),
        "greyhound": ("url: http://greyhound.example.org", "username: api", "password: !secret greyhound_password"),
    }[kind]
    example = "\n      ".join(["connections:", f"  {kind}:", f"    type: {kind}", *(f"    {line}" for line in lines)])
    name = "fe2_key" if kind == "fe2" else "greyhound_password"
    hint = _("Write there (with your own address), and the value of {name} into mappings/secrets.yaml; then again:")
    at = Location("mappings/configuration.yaml")
    shown = f"{hint.format(name=name)}\n      {example}"
    raise UserMustFix(Problem("no_connection", message.format(kind=kind), shown, at))


def draft(project: Project, sample: Sample, kind: str, mapping_id: str, path: str, is_elsewhere: bool) -> Draft:
    """The mapping for a sample. ``path`` is the source's; ``is_elsewhere``: the sample does not lie there yet."""
    name, others = connection_for(project, kind)
    writer = _Writer(sample, kind, project.connections[name])
    writer.write(mapping_id, path, is_elsewhere, name, others)
    text = "\n".join(writer.lines) + "\n"
    mark = f"# {check_mark()}:"
    checks = [(n, line.partition(mark)[2].strip()) for n, line in enumerate(writer.lines, 1) if mark in line]
    columns = {column.name: column.headings for column in writer.columns}
    return Draft(text, writer.key, columns, tuple(checks))


def pattern_for(name: str) -> str:
    """A file's name without the date or number at its end, so that the next export is found as well."""
    stem, dot, ending = name.rpartition(".")
    bare = _DATED.sub("", stem)
    return f"{bare}*{dot}{ending}" if bare and bare != stem and not re.search(r"[*?\[\]]", name) else name


@dataclass
class _Column:
    name: str
    headings: tuple[str, ...]
    note: str = ""


@dataclass
class _Writer:
    sample: Sample
    kind: str
    connection: Connection
    lines: list[str] = field(default_factory=list)
    columns: list[_Column] = field(default_factory=list)
    lists: dict[str, Listed] = field(default_factory=dict)
    key: str = ""

    def write(self, mapping_id: str, path: str, is_elsewhere: bool, connection: str, others: Sequence[str]) -> None:
        self._choose_columns()
        self._head(mapping_id, path)
        self._source(path, is_elsewhere)
        self._variables()
        self._tables()
        self._section(_("Where it goes"))
        self._line("actions:")
        self._line(f"  - action: {ACTIONS[self.kind]}")
        several = _("there are also {names}: is this the right one?").format(names=", ".join(others)) if others else ""
        self._line(f"    connection: {scalar(connection)}", self._check(several))
        (self._fe2 if self.kind == "fe2" else self._greyhound)()
        self._tests(mapping_id)

    # -- lines ---------------------------------------------------------------------------------------------------------

    def _line(self, text: str = "", note: str = "") -> None:
        """A line with its comment: behind it where there is room, else above it."""
        indent = " " * (len(text) - len(text.lstrip()))
        note = comment(note)
        if note and len(text) + len(note) > 112:
            self.lines += [f"{indent}# {note}", text]
        else:
            self.lines.append(f"{text:<38}  # {note}" if note else text)

    def _comment(self, text: str, indent: str = "") -> None:
        self.lines += [f"{indent}# {comment(line)}".rstrip() for line in text.split("\n")]

    def _proposal(self, text: str, indent: str = "", note: str = "") -> None:
        """Lines that are right as soon as the ``#`` of each is taken away: no blank stands behind it."""
        for line in text.split("\n"):
            written = f"{indent}#{comment(line)}"
            self.lines.append(f"{written:<38}  # {comment(note)}" if note else written)

    def _section(self, title: str) -> None:
        self.lines += ["", f"# -- {title} ".ljust(119, "-"), ""]

    def _check(self, text: str) -> str:
        return f"{check_mark()}: {text}" if text else ""

    # -- what is read --------------------------------------------------------------------------------------------------

    def _choose_columns(self) -> None:
        key = self.sample.key.heading
        self.key = self._add(proposed_name(key), (key,), self._check(_key_doubt(self.sample)))
        names: list[Role] = ["first", "last", "whole"]
        for role in names:
            self._add_first(role)
        kinds: list[tuple[Role, ...]] = [("mobile", "phone")] if self.kind == "fe2" else [("mobile",), ("phone",)]
        for roles in kinds:
            phones = [one for one in self.sample.of(*roles) if one.heading != key]
            if phones:
                name = _phone_name() if "mobile" in roles else _landline_name()
                self._add(name, tuple(one.heading for one in phones), self._check(_phone_doubt(phones)))
        mails = [one for one in self.sample.of("mail") if one.heading != key]
        if mails:
            doubt = "" if all(one.sure for one in mails) else _("guessed by the looks of its cells")
            self._add("email", tuple(one.heading for one in mails), self._check(doubt))
        more: dict[str, list[Role]] = {
            "fe2": ["alarm", "functions", "groups", "issi", "pager"],
            "greyhound": ["title", "salutation", "company", "street", "house", "zip", "city", "groups"],
        }
        for role in (*more[self.kind], "status", "left"):
            self._add_first(role)
        for flag in self.sample.of("flag") if self.kind == "fe2" else ():
            if flag.heading != key and _CAN_BE_NAMED.fullmatch(self._last_step(flag.heading)):
                self._add(proposed_name(flag.heading), (flag.heading,), "")
        taken = {column.name for column in self.columns} | _COMPUTED
        for listed in self.sample.lists:
            if listed.column():
                name = _free(proposed_name(listed.way), taken | {*self.lists})
                self.lists[name] = listed

    def _last_step(self, heading: str) -> str:
        """What a heading says; of a way through a document its end."""
        return heading.rpartition(".")[2] if self.sample.kind in WITH_WAYS else " ".join(heading.split())

    def _add_first(self, role: Role) -> None:
        found = next((one for one in self.sample.of(role) if one.heading != self.sample.key.heading), None)
        if found is not None:
            doubt = "" if found.sure else _("guessed: is this the right column?")
            self._add(proposed_name(found.heading), (found.heading,), self._check(doubt))

    def _add(self, name: str, headings: tuple[str, ...], note: str) -> str:
        unique = _free(name, {column.name for column in self.columns})
        self.columns.append(_Column(unique, headings, note))
        return unique

    def _columns_of(self, role: Role) -> list[_Column]:
        """The columns of this role."""
        headings = {one.heading for one in self.sample.of(role)}
        found = [column for column in self.columns if headings & {*column.headings}]
        # A list without numbers may have the names as its key; the name is needed all the same.
        return [column for column in found if column.name != self.key or role in ("first", "last", "whole")]

    def _name(self, role: Role) -> str | None:
        """The template name of the column of this role."""
        return next((column.name for column in self._columns_of(role)), None)

    def _facts(self, name: str) -> Facts:
        heading = next(column.headings[0] for column in self.columns if column.name == name)
        return self.sample.facts[heading]

    # -- sections ------------------------------------------------------------------------------------------------------

    def _head(self, mapping_id: str, path: str) -> None:
        sample = self.sample
        self._comment(
            ngettext(
                "A first draft for {file} ({rows} row), made by `abgleich new`.",
                "A first draft for {file} ({rows} rows), made by `abgleich new`.",
                sample.rows,
            ).format(file=sample.file.name, rows=sample.rows)
        )
        text = _("Lines with {mark} were guessed, or only you can decide them: look at them, then take the mark away.")
        self._comment(text.format(mark=check_mark()))
        self._comment("")
        commands = _commands(mapping_id)
        width = max(len(command) for command, _meaning in commands)
        for command, meaning in commands:
            self._comment(f"  {command:<{width}}  {meaning}")
        self._line()
        self._line(f"id: {scalar(mapping_id)}")
        self._line(
            "enabled: false", self._check(_("write true when everything here is right. Until then nothing is sent."))
        )
        self._line()
        self._comment(
            _("To let it run by itself whenever a new list comes (with `abgleich start`), take the # off each line:")
        )
        self._proposal(f"triggers:\n  - trigger: file\n    path: {_path(path)}")

    def _source(self, path: str, is_elsewhere: bool) -> None:
        self._section(_("The list"))
        self._line("source:")
        elsewhere = self._check(_("put the list there, or write where it lies")) if is_elsewhere else ""
        pattern = _("* stands for any text; the newest file that fits is taken") if "*" in path else ""
        self._line(f"  path: {_path(path)}", elsewhere or pattern)
        if self.sample.footer:
            note = self._check(_("so many lines at the end are no people, but a sum or the like"))
            self._line(f"  skip_footer: {self.sample.footer}", note)
        self._line(f"  key: {self.key}", _("identifies a person, for ever: it must never change"))
        if self.sample.key.doubt == "repeated":
            self._line(f"  group_by: {self.key}", self._check(self._joined()))
        self._line("  columns:", _("left: the name for templates; right: the heading in the list"))
        for column in self.columns:
            written = scalar(column.headings[0]) if len(column.headings) == 1 else flow_list(column.headings)
            several = _("the first one that is not empty") if len(column.headings) > 1 else ""
            self._line(f"    {column.name}: {written}", column.note or several)
        self._not_read()
        self._who_takes_part()
        self._line("  expect:")
        rows = max(1, self.sample.rows // 2)
        self._line(f"    min_rows: {rows}", _("a list with fewer rows is refused: half of today's"))

    def _joined(self) -> str:
        """What becomes of the rows of a person."""
        roles: list[Role] = ["functions", "groups", "alarm", "flag"]
        found = [column.name for role in roles for column in self._columns_of(role)]
        lists = [name for name in found if self._varies(name)]
        if not lists or self.kind != "fe2":
            return _("the key stands in several rows: they are joined, fields get the first row's values")
        text = _("the key stands in several rows: they are joined. Of {names} all values count, else the first row's")
        return text.format(names=", ".join(lists))

    def _varies(self, name: str) -> bool:
        """Whether the values of a column differ between the rows of a person."""
        return any({*column.headings} & self.sample.varying for column in self.columns if column.name == name)

    def _not_read(self) -> None:
        used = {heading for column in self.columns for heading in column.headings}
        rest = [" ".join(heading.split()) for heading in self.sample.headings if heading not in used]
        rest += [" ".join(heading.split()) for heading in self.sample.repeated]
        rest += [way for listed in self.sample.lists for way in listed.not_read()]
        if rest:
            text = _("Not read at all (whoever needs one adds it above): {names}")
            for line in _wrapped(text.format(names=", ".join(rest))):
                self._comment(line, "    ")
        if self.sample.repeated:
            text = _("These headings stand there more than once and can't be used: {names}")
            self._comment(text.format(names=", ".join(self.sample.repeated)), "    ")
        if self.lists:
            self._comment(_("Lists inside of the records. Whoever needs one takes the # away before it:"), "    ")
        for name, listed in self.lists.items():
            self._proposal(f"{name}: {listed.column()}", "    ")

    def _who_takes_part(self) -> None:
        left, status = self._name("left"), self._name("status")
        if left is None and status is None:
            text = _(
                "Everybody in the list takes part. If some should not, say so here, for example who has no {name}:"
            )
            name = next((one for one in map(self._name, _OFTEN_EMPTY) if one is not None), self.key)
            self._comment(self._check(text.format(name=name)), "  ")
            self._proposal('where: "{{ ' + name + ' }}"', "  ")
            return
        text = _(
            "now everybody takes part. Shall only some? Take just the # before `where` away and write the right word."
        )
        self._comment(self._check(text), "  ")
        if status is not None:
            values = self._values("status", MOST_STATES)
            if values:
                found = ", ".join(f"{value or '–'} ({count})" for value, count in values)
                self._comment(_("The list has: {values}").format(values=found), "  ")
            first = next((value for value, _count in values if value), "aktiv")
            facts = self._facts(status)
            if facts.is_yes_or_no:
                condition = "{{ " + status + " | ja }}"
            elif facts.commas:
                condition = "{{ " + _text(_parts(first)[0]) + f" in {status} | split" + " }}"
            else:
                condition = _compared(status, first)
            self._proposal(f"where: {_quoted(condition)}", "  ")
        if left is not None:
            text = _("or: whoever has a date of leaving does not take part") if status is not None else ""
            if text:
                self._comment(text, "  ")
            self._proposal('where: "{{ not ' + left + ' }}"', "  ")

    def _values(self, role: Role, most: int) -> list[tuple[str, int]]:
        """The few different values of a column that people choose from, the most frequent first."""
        found = next(iter(self.sample.of(role)), None)
        common = self.sample.facts[found.heading].common if found is not None else None
        # A value that only one person has says something about this person.
        if not common or len(common) > most or any(len(value) > LONGEST_VALUE for value in common):
            return []
        return common.most_common()

    def _variables(self) -> None:
        lines = []
        filter_name, shown = ("phone", "0049…") if self.kind == "fe2" else ("e164", "+49…")
        for computed, phone in self._numbers():
            note = _("every way of writing becomes {form}; a wrong number rejects the row").format(form=shown)
            lines.append((f"  {computed}: " + '"{{ ' + f"{phone} | {filter_name}" + ' }}"', note))
        mail = self._mail()
        if mail is not None:
            note = _("in lower case, and checked")
            lines.append((f"  {self._computed('mail')}: " + '"{{ ' + f"{mail} | email" + ' }}"', note))
        proposed = self._proposed_number()
        if lines or proposed:
            self._section(_("What is computed from it"))
        if lines:
            self._line("variables:")
            for text, note in lines:
                self._line(text, note)
        if proposed:
            name, source, expression = proposed
            indent = "  " if lines else ""
            text = _("The number out of the list {name}. Whoever reads it takes the # away here as well:")
            self._comment(text.format(name=source), indent)
            written = f"{name}: {_quoted('{{ ' + expression + ' | ' + filter_name + ' }}')}"
            self._proposal(written if lines else f"variables:\n  {written}", indent)

    def _proposed_number(self) -> tuple[str, str, str] | None:
        """The variable with a number out of a list inside of the records, the list's name, and its expression."""
        name = _free("mobil", {column.name for column in self.columns} | {*self.lists, *dict(self._numbers())})
        found = ((list_name, listed.first_number(list_name)) for list_name, listed in self.lists.items())
        return next(((name, list_name, expression) for list_name, expression in found if expression), None)

    def _computed(self, name: str) -> str:
        taken = {column.name for column in self.columns}
        return name if name not in taken else f"{name}_"

    def _numbers(self) -> list[tuple[str, str]]:
        """The variables of telephone numbers, each with its column: for FE2 one, for GREYHOUND mobile and landline."""
        mobile, phone = self._name("mobile"), self._name("phone")
        if self.kind == "fe2":
            mobile, phone = mobile or phone, None
        pairs = [("mobil", mobile), ("festnetz", phone)]
        return [(self._computed(name), column) for name, column in pairs if column is not None]

    def _mail(self) -> str | None:
        return self._name("mail")

    def _tables(self) -> None:
        _expression, groups = self._groups_to_alarm()
        if not groups:
            return
        self._line()
        self._comment(_("Which group of the list is alarmed in FE2 by which alarm groups, written exactly as there:"))
        self._proposal("tables:\n  alarmgruppen:")
        for value, count in groups:
            self._proposal(f"    {scalar(value)}: []", note=str(count))

    def _groups_to_alarm(self) -> tuple[str, list[tuple[str, int]]]:
        """What gives the groups of a person, and which there are; nothing where they are not to be looked up."""
        if self.kind != "fe2" or self._name("alarm") is not None:
            return "", []
        name = self._name("groups")
        if name is not None:
            return self._several(name), _counted(self._values("groups", MOST_GROUPS), self._sign(name))
        found = self._list_of("groups")
        common = self.lists[found].texts.common if found is not None and not self.lists[found].keys else None
        if found is None or not common or len(common) > MOST_GROUPS:
            return "", []
        # A record without the list gives an empty text, which is in no table.
        return f"{found} | split", _counted(common.most_common(), None)

    def _list_of(self, role: Role) -> str | None:
        """The name of a list inside of the records that holds this."""
        return next((name for name, listed in self.lists.items() if listed.role == role), None)

    # -- fields --------------------------------------------------------------------------------------------------------

    def _fe2(self) -> None:
        self._line("    fields:", _("left: the fields as FE2 calls them"))
        self._field("externalDbId", self.key)
        first, last, doubt = self._names_of_person()
        self._template("firstName", first, self._check(doubt))
        self._template("lastName", last, self._check(doubt))
        self._functions()
        self._names("osGroups", "groups")
        self._alarm_groups()
        self._optional("issi", self._name("issi"))
        self._pager()
        self._optional("email", self._computed("mail") if self._mail() else None)
        for computed, _column in self._numbers():
            self._field("mobil", computed)
        proposed = self._proposed_number()
        if proposed and not self._numbers():
            self._proposal("mobil: " + '"{{ ' + proposed[0] + ' }}"', "      ", _("with the list read above"))
        self._line("    removal: sync", _("who is missing in the list is removed from FE2; keep: nobody ever is"))
        self._guard()

    def _guard(self) -> None:
        self._line("    guard:", _("the larger number counts; what waits is sent after `abgleich approve`"))
        self._line("      max_removals: 3 or 10%", _("more would vanish: they stay as they are and wait"))
        note = _("more would change, as after a shifted column: the whole run waits")
        self._line("      max_changes: 25 or 50%", note)

    def _functions(self) -> None:
        """One column of functions, columns with yes and no for one function each, or both."""
        flags = self._columns_of("flag")
        if not flags:
            self._names("osFunctions", "functions")
            return
        self._line("      osFunctions:", self._check(_("are these functions, and are they called exactly so in FE2?")))
        for flag in flags:
            condition = f"{flag.name} | ja"
            if self._varies(flag.name):
                condition = f"rows | map(attribute='{flag.name}') | map('ja') | select | list"
            word = _text(self._last_step(flag.headings[0]))
            self._line("        - " + '"{{ ' + f"{word} if {condition} else ''" + ' }}"')
        name = self._name("functions")
        if name is not None:
            several = self._several(name)
            self._line("        - " + '"{{ ' + (several if " | " in several else f"{name} | split") + ' }}"')
        found = self._list_of("functions")
        if name is None and found is not None:
            self._proposal(f"- {self._listed(found)}", "        ", _("with the list read above"))

    def _names(self, field_name: str, role: Role) -> None:
        """A list field out of the column of this role, else out of a list inside of the records as a proposal."""
        name = self._name(role)
        if name is not None:
            self._field(field_name, self._several(name), self._check(_("must be written exactly as in FE2")))
            return
        found = self._list_of(role)
        if found is not None:
            self._proposal(f"{field_name}: {self._listed(found)}", "      ", _("with the list read above"))

    def _listed(self, name: str) -> str:
        """The texts of a list inside of the records, as a template."""
        return _quoted("{{ " + self.lists[name].as_texts(name) + " }}")

    def _sign(self, name: str) -> str | None:
        """What parts several values in one cell: "" for the usual signs, None where there is one value."""
        facts = self._facts(name)
        return "" if facts.commas else "/" if facts.slashes else None

    def _several(self, name: str) -> str:
        """All values of a person: of all rows where they differ, and taken apart where a cell holds several."""
        sign = self._sign(name)
        split = "" if sign is None else "split('/')" if sign else "split"
        if not self._varies(name):
            return f"{name} | {split}" if split else name
        values = f"rows | map(attribute='{name}')"
        if split:
            return f"{values} | join('{sign or ','}') | {split} | unique | list"
        facts = self._facts(name)
        return f"{values} | {'select | ' if facts.filled < facts.rows else ''}unique | list"

    def _alarm_groups(self) -> None:
        known = self.connection.alarm_groups if isinstance(self.connection, Fe2Connection) else None
        name = self._name("alarm")
        if name is not None:
            text = _("are the groups called exactly so in FE2? An empty cell takes the person out of every alarm.")
            self._field("alarmGroups", self._several(name), self._check(text))
            return
        self._comment(
            _("Nobody in this list is alarmed with []: an empty list takes people out of every alarm in FE2."), "      "
        )
        text = _(
            "Before `enabled: true`, take the line with [] out, and the # away before one of these. For everybody:"
        )
        self._comment(text, "      ")
        groups = [*known][:2] if known else [_("Full alarm")]
        self._proposal(f"alarmGroups: {flow_list(groups)}", "      ")
        listed = self._list_of("alarm")
        if listed is not None:
            self._proposal(f"alarmGroups: {self._listed(listed)}", "      ", _("with the list read above"))
        expression, values = self._groups_to_alarm()
        if values:
            self._comment(
                _("or by the group, with the table above filled in (take the # away there as well):"), "      "
            )
            self._proposal('alarmGroups: "{{ ' + expression + " | lookup('alarmgruppen') }}\"", "      ")
        self._line("      alarmGroups: []", self._check(_("so nobody is alarmed! See above")))

    def _pager(self) -> None:
        pager, mail = self._name("pager"), self._mail()
        if pager is not None:
            self._field("aPagerPro", pager)
        elif mail is not None:
            text = _("is this the address that is registered in aPager PRO? Else take the line out.")
            self._field("aPagerPro", self._computed("mail"), self._check(text))

    def _greyhound(self) -> None:
        match = scalar(_field_name(self.sample.key.heading))
        note = self._check(_("name or number of GREYHOUND's user field that holds the key; `abgleich ping` lists them"))
        self._line(f"    match: {{user_field: {match}}}", note)
        self._line("    fields:", _("left: the fields as GREYHOUND calls them"))
        note = self._check(_("group for new contacts, path or number; `abgleich ping` lists them"))
        self._line("      GroupRef: " + _("Contacts"), note)
        first, last, doubt = self._names_of_person()
        whole = ", ".join(part for part in (last, first) if part) or "{{ " + self.key + " }}"
        self._template("Subject", whole, self._check(doubt))
        self._template("Firstname", first)
        self._template("Lastname", last)
        plain: list[tuple[str, Role]] = [("Title", "title"), ("Salutation", "salutation"), ("Company", "company")]
        for field_name, role in plain:
            self._optional(field_name, self._name(role))
        self._links()
        self._line("    removal: keep", _("who is missing stays as a contact; trash: into the trash; delete: deleted"))
        self._guard()

    def _links(self) -> None:
        kinds = {"mobil": "mobile", "festnetz": "phone"}
        texts = [("email", self._computed("mail"))] if self._mail() else []
        texts += [(kinds[computed.rstrip("_")], computed) for computed, _column in self._numbers()]
        links = [
            f"        - {{Kind: {kind}, Category: private, Text: " + '"{{ ' + text + ' }}"}' for kind, text in texts
        ]
        address = self._address()
        if address:
            links.append(f"        - {{Kind: letter, Category: private, Text: {_quoted(address)}}}")
        if links:
            self._line("      ComLinks:")
            for link in links:
                self._line(link)
        proposed = self._proposed_number()
        if proposed:
            link = "- {Kind: mobile, Category: private, Text: " + '"{{ ' + proposed[0] + ' }}"}'
            above = "" if links else "ComLinks:\n  "
            self._proposal(
                above + link, "        " if links else "      ", "" if above else _("with the list read above")
            )

    def _address(self) -> str:
        street, house, code, city = (self._name(role) for role in _ADDRESS)
        if street is None or city is None:
            return ""
        first = " ~ ' ' ~ ".join(part for part in (street, house) if part)
        second = " ~ ' ' ~ ".join(part for part in (code, city) if part)
        return "{{ " + f"{first} ~ ', ' ~ {second} if {street} else ''" + " }}"

    def _names_of_person(self) -> tuple[str, str, str]:
        """Templates of first and last name, and what is to be said about them."""
        first, last, whole = self._name("first"), self._name("last"), self._name("whole")
        if first is not None or last is not None or whole is None:
            return _braced(first), _braced(last), ""
        doubt = _("both names stand in one column: are they taken apart rightly?")
        heading = self.sample.of("whole")[0].heading
        facts = self.sample.facts[heading]
        if facts.mostly(facts.commas):
            return (
                "{{ (" + whole + " | split(','))[1] | default('') }}",
                "{{ (" + whole + " | split(','))[0] | default('') }}",
                doubt,
            )
        parts = f"{whole} | split(' ')"
        return "{{ (" + parts + ")[:-1] | join(' ') }}", "{{ " + parts + " | last | default('') }}", doubt

    def _field(self, name: str, column: str, note: str = "") -> None:
        self._line(f"      {name}: " + '"{{ ' + column + ' }}"', note)

    def _template(self, name: str, template: str, note: str = "") -> None:
        if template:
            self._line(f"      {name}: {_quoted(template)}", note)

    def _optional(self, name: str, column: str | None) -> None:
        if column is not None:
            self._field(name, column)

    def _tests(self, mapping_id: str) -> None:
        self._section(_("Examples that `abgleich test` checks"))
        self._comment(
            _(
                "`abgleich test {id} --freeze KEY` makes one of a row of the list, with invented names and numbers."
            ).format(id=mapping_id)
        )


_OFTEN_EMPTY: tuple[Role, ...] = ("mobile", "phone", "mail", "last", "whole")
_ADDRESS: tuple[Role, ...] = ("street", "house", "zip", "city")


def _commands(mapping_id: str) -> list[tuple[str, str]]:
    word = scalar(mapping_id)
    return [
        ("abgleich check", _("Is everything written correctly?")),
        (f"abgleich preview {word} --limit 3", _("What becomes of the first three rows?")),
        (f"abgleich preview {word} --key " + _("NUMBER"), _("Every step for one person.")),
    ]


def _key_doubt(sample: Sample) -> str:
    key = sample.key
    if key.doubt == "none":
        return _("no column identifies a person for certain. Which one is unique, never empty, and never changes?")
    if key.doubt == "empty":
        facts = sample.facts[key.heading]
        return ngettext(
            "empty in {count} row: it is rejected",
            "empty in {count} rows: these are rejected",
            facts.rows - facts.filled,
        ).format(count=facts.rows - facts.filled)
    if key.doubt == "guessed":
        return _("guessed: does this number belong to the person for ever?")
    return ""


def _phone_doubt(phones: Sequence[Guess]) -> str:
    if not all(one.sure for one in phones):
        return _("guessed: are these the person's own numbers, and is the order right?")
    return _("is the order right? The first one that is not empty is taken.") if len(phones) > 1 else ""


def _phone_name() -> str:
    return "handy" if language() == "de" else "phone"


def _landline_name() -> str:
    return "telefon" if language() == "de" else "landline"


def _field_name(heading: str) -> str:
    return " ".join(heading.split()) or "6"


def _quoted(text: str) -> str:
    """The text in double quotes, as templates and patterns are written."""
    return f'"{text}"' if '"' not in text and "\\" not in text else scalar(text)


def _path(path: str) -> str:
    return _quoted(path) if "*" in path else scalar(path)


def _braced(name: str | None) -> str:
    return "{{ " + name + " }}" if name is not None else ""


def _compared(name: str, value: str) -> str:
    return "{{ " + f"{name} == {_text(value)}" + " }}"


def _text(value: str) -> str:
    """A text as templates write it."""
    quote = "'" if "'" not in value else '"'
    return f"{quote}{value}{quote}"


def _parts(cell: str, sign: str | None = "") -> list[str]:
    """The values of one cell, parted by ``sign``, or by the usual signs; None: it is one value."""
    found = [cell] if sign is None else cell.split(sign) if sign else re.split(r"[,;\r\n]", cell)
    return [part.strip() for part in found if part.strip()]


def _counted(cells: Iterable[tuple[str, int]], sign: str | None) -> list[tuple[str, int]]:
    """The values of cells with how often each is met. A table finds them whatever their case, so each is there once."""
    counts: Counter[str] = Counter()
    written: dict[str, str] = {}
    for cell, count in cells:
        for value in _parts(cell, sign):
            counts[written.setdefault(value.casefold(), value)] += count
    return counts.most_common()


def _free(name: str, taken: Collection[str]) -> str:
    """The name, or the next one with a number that nothing else has."""
    return next(one for one in (name, *(f"{name}_{n}" for n in range(2, 1000))) if one not in taken)


def _wrapped(text: str, width: int = 100) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        if line and len(line) + len(word) >= width:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    yield line
