"""The models of ``configuration.yaml`` and of a mapping (dsl.md §2, §3): frozen, every key documented.

Only the shape is checked here. What needs the targets, the templates or several files is checked above.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from engine.config.values import (
    AtOnce,
    Clocks,
    Count,
    Database,
    Filled,
    Flag,
    Headers,
    Limit,
    LimitText,
    Lower,
    Mapping,
    Mark,
    NamesByKey,
    OptionalClock,
    OptionalEncoding,
    OptionalFilled,
    OptionalHours,
    OptionalLimit,
    OptionalMapping,
    OptionalNames,
    OptionalNumber,
    OptionalQuote,
    OptionalSeconds,
    OptionalSign,
    OptionalSixtieth,
    OptionalText,
    OptionalWeekdays,
    Rows,
    RpcUrl,
    Seconds,
    Sequence,
    SomeNames,
    SomeSeconds,
    Text,
    TextFormat,
    Url,
    Zone,
    filled,
)

Secret = Annotated[SecretStr, BeforeValidator(filled)]

DAY = 86400.0


class Model(BaseModel):
    """Frozen; unknown keys are reported by :mod:`engine.config.parse`, with a suggestion."""

    # Built when first used: most commands need only some of the models.
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Connection(Model):
    """What all connections share."""

    type: Filled
    """The kind of system: fe2 or greyhound."""
    url: Url
    """Address of the server, without the path."""
    ca_file: OptionalText = None
    """File with the certificate authority of a self-signed server, relative to the project."""
    verify_tls: Flag = True
    """false accepts any certificate; reported at every start."""


class Fe2Connection(Connection):
    """An organisation in FE2."""

    access_key: Secret
    """The organisation's access key (Zugriffsschlüssel), best as !secret."""
    source: Text = "abgleich"
    """Readable name of the supplying system, sent with every sync."""
    fe2_version: OptionalText = None
    """Version of the server; switches off what older ones lack."""
    id_prefix: Text = ""
    """Put before every externalDbId."""
    alarm_groups: OptionalNames = None
    """The names of the alarm groups in FE2; any other name rejects the row."""
    first_sync: Annotated[Literal["hold", "go"], Lower] = "hold"
    """hold: the first sync waits for an approval. go: it is sent at once."""
    resend_after: Seconds = DAY
    """An unchanged list is sent again after so long."""
    timeout: SomeSeconds = 120.0
    """How long to wait for an answer; FE2 itself waits up to 60 s."""


class GreyhoundConnection(Connection):
    """A GREYHOUND server and the user that writes there."""

    url: RpcUrl
    """Address and HTTP port of the server, without the path."""
    username: Filled
    """A user of its own is best: the number of clients per user is limited."""
    password: Secret
    """The user's password, best as !secret."""
    auth_encoding: Annotated[Literal["cp1252", "utf-8"], Lower] = "cp1252"
    """Encoding of user and password."""
    timeout: SomeSeconds = 30.0
    """How long to wait for an answer."""
    lock_retries: Count = 3
    """How often a contact is tried again that somebody edits."""
    getlist_params: Annotated[Literal["auto", "6", "7", "8"], Lower] = "auto"
    """How many parameters RpcItems.GetList takes; auto asks the server's version."""
    text_format: TextFormat = "<{}>"
    """How the text of a ComLink is written."""
    requests_at_once: AtOnce = 1
    """How many requests may be under way; the server's own limit is not documented."""


CONNECTIONS: dict[str, type[Connection]] = {"fe2": Fe2Connection, "greyhound": GreyhoundConnection}


class Keep(Model):
    """How long the record keeps what."""

    runs: Seconds = 90 * DAY
    """Runs that changed or refused something."""
    people: Seconds = 30 * DAY
    """Values of people in them; after that only counts and keys remain."""


class Configuration(Model):
    """``mappings/configuration.yaml``."""

    language: Annotated[Literal["de", "en"], Lower] = "de"
    """Language of messages: de or en."""
    timezone: Zone = "Europe/Berlin"
    """Time zone of schedules and of what is shown."""
    database: Annotated[Database, Field(repr=False)] = "sqlite"
    """Where the state is kept: sqlite or postgresql://user@host/db."""
    connections: Mapping = Field(default_factory=dict, repr=False)
    """The systems to bring up to date, by name."""
    notify: Mapping = Field(default_factory=dict, repr=False)
    """Apprise addresses by name, and under default who hears of changes of state."""
    keep: Keep = Keep()
    """How long the record keeps what."""
    watch: Annotated[Literal["auto", "native", "poll"], Lower] = "auto"
    """How `start` notices files: auto polls network drives only; poll never asks the system; native always does."""


class FileTrigger(Model):
    """A file appears or changes."""

    trigger: Literal["file"]
    """file: a file appears or changes."""
    path: Filled
    """The file, or a pattern such as inbox/personal*.csv; paths count from the project folder."""
    id: OptionalText = None
    """A name of its own, for templates: trigger.id."""


class TimeTrigger(Model):
    """A time of day."""

    trigger: Literal["time"]
    """time: at a time of day."""
    at: Clocks
    """The time, in quotes: "03:00"; several as a list."""
    weekday: OptionalWeekdays = None
    """On these days only: mon, tue, wed, thu, fri, sat, sun."""
    id: OptionalText = None
    """A name of its own, for templates: trigger.id."""


class TimePatternTrigger(Model):
    """A pattern such as ``hours: "/4"``."""

    trigger: Literal["time_pattern"]
    """time_pattern: again and again."""
    hours: OptionalHours = None
    """"/4" is every fourth hour, "*" every one, 3 at three o'clock."""
    minutes: OptionalSixtieth = None
    """"/15" is every 15 minutes, "*" every one, 30 at half past."""
    seconds: OptionalSixtieth = None
    """"/30" is every 30 seconds."""
    id: OptionalText = None
    """A name of its own, for templates: trigger.id."""


class MappingTrigger(Model):
    """This mapping was changed."""

    trigger: Literal["mapping"]
    """mapping: this file was changed."""
    id: OptionalText = None
    """A name of its own, for templates: trigger.id."""


TRIGGERS: dict[str, type[Model]] = {
    "file": FileTrigger,
    "time": TimeTrigger,
    "time_pattern": TimePatternTrigger,
    "mapping": MappingTrigger,
}


class TemplateCondition(Model):
    """A template that must be true."""

    condition: Literal["template"] = "template"
    """template: a template must be true."""
    value_template: Filled
    """The template, such as "{{ source.rows > 20 }}"."""
    alias: OptionalText = None
    """What people call it."""


class TimeCondition(Model):
    """A time of day and days of the week."""

    condition: Literal["time"]
    """time: only at certain times of day or days of the week."""
    after: OptionalClock = None
    """From this time on: "06:00"."""
    before: OptionalClock = None
    """Until this time: "22:00"."""
    weekday: OptionalWeekdays = None
    """On these days only: mon, tue, wed, thu, fri, sat, sun."""
    alias: OptionalText = None
    """What people call it."""


CONDITIONS: dict[str, type[Model]] = {"template": TemplateCondition, "time": TimeCondition}


class ColumnModel(Model):
    """One entry of ``columns``."""

    heading: SomeNames
    """The heading in the file, or several: the first that is not empty. With * for a number: a list of all of them."""
    marked: Mark = ""
    """true: the list of headings (what stands in place of *) whose cells are marked with x; filled: with any text."""
    optional: Flag = False
    """May be missing in the file; then it is empty."""

    @property
    def patterns(self) -> tuple[str, ...]:
        """All headings that the column asks for."""
        return self.heading

    @property
    def in_tests(self) -> str:
        """The heading that is meant where the row of a test names the column; empty for a list."""
        is_list = self.marked or any("*" in heading for heading in self.heading)
        return "" if is_list else next(iter(self.heading), "")


class EachColumnModel(Model):
    """One entry of ``columns`` that is a list of records."""

    each: NamesByKey
    """Keys and headings with * for a number: a list with one record for each number."""
    optional: Flag = False
    """May be missing in the file; then it is empty."""

    @property
    def patterns(self) -> tuple[str, ...]:
        """All headings that the column asks for."""
        return tuple(self.each.values())

    @property
    def in_tests(self) -> str:
        """A list can't be named in the row of a test."""
        return ""


AnyColumn = ColumnModel | EachColumnModel


class Expect(Model):
    """What a file must hold to be believed."""

    min_rows: Count = 1
    """Fewer rows refuse the file."""
    max_shrink: LimitText = Limit(0, 30.0)
    """So many fewer rows than the last good file hold the plan."""
    max_rejected: LimitText = Limit(3, 10.0)
    """More rejected rows hold the plan."""


class SourceModel(Model):
    """Where the list comes from."""

    type: OptionalText = None
    """csv, excel, json, ndjson, sql or http; default by the file's ending."""
    path: Filled = ""
    """The file, or a pattern such as inbox/personal*.csv: the newest match. Not for sql and http."""
    settle: Seconds = 2.0
    """A file is read when it has not changed for so long."""
    archive: Annotated[Literal["keep", "move"], Lower] = "keep"
    """keep leaves the file; move puts it into done/ or failed/ beside it."""
    combine: Annotated[Literal["newest", "all"], Lower] = "newest"
    """newest: the newest match. all: all matching files make one list."""
    delimiter: OptionalSign = None
    """The sign between cells; default: found out."""
    quote: OptionalQuote = None
    """The sign around cells; default: found out."""
    encoding: OptionalEncoding = None
    """The file's encoding; default: found out."""
    header_row: OptionalNumber = None
    """The line of the headings, from 1; default: found out."""
    skip_footer: Count = 0
    """So many lines at the end are no people."""
    sheet: OptionalFilled = None
    """excel: the sheet's name or number, from 1; default: the first sheet with the headings."""
    rows: OptionalFilled = None
    """json: the way to the list in the document, such as data; default: the only list there is."""
    url: Annotated[OptionalFilled, Field(repr=False)] = None
    """sql: the database as an SQLAlchemy URL, best as !secret. http: the address."""
    query: Annotated[OptionalFilled, Field(repr=False)] = None
    """sql: the query, a select; nothing can be changed with it."""
    headers: Annotated[Headers, Field(repr=False)] = Field(default_factory=dict)
    """http: headers of every request, such as Authorization: !secret token."""
    format: Annotated[Literal["json", "ndjson", "csv", "excel"] | None, Lower] = None
    """http: what the address gives; default: what the server says."""
    next: OptionalFilled = None
    """http: the way to the address of the next page in the document, such as links.next."""
    page: OptionalFilled = None
    """http: the name of the parameter that counts pages until one is empty: from 1, or from what the address says."""
    timeout: SomeSeconds = 60.0
    """sql, http: how long to wait for an answer."""
    ca_file: OptionalText = None
    """http: file with the certificate authority of a self-signed server, relative to the project."""
    verify_tls: Flag = True
    """http: false accepts any certificate."""
    key: Filled
    """The column or variable that identifies a person, for ever."""
    group_by: OptionalFilled = None
    """A column: rows that share its value are one person."""
    columns: OptionalMapping = None
    """The contract with the file, and the names for templates."""
    where: OptionalText = None
    """A template: rows that take part."""
    expect: Expect = Expect()
    """What a file must hold to be believed."""


class Guard(Model):
    """Limits of one action."""

    max_removals: LimitText = Limit(3, 10.0)
    """More removals are held."""
    max_changes: OptionalLimit = None
    """More changes to known persons hold the plan."""


class ActionModel(Model):
    """One thing to bring up to date."""

    action: Filled
    """fe2.sync or greyhound.sync."""
    id: OptionalText = None
    """Name in results and tests; default: the action's name."""
    alias: OptionalText = None
    """What people call it."""
    connection: Filled
    """Which connection of configuration.yaml."""
    where: OptionalText = None
    """A template: persons that take part in this action."""
    match: OptionalMapping = None
    """GREYHOUND: how a contact is found again."""
    fields: Mapping
    """What the target gets, under the target's own names."""
    removal: OptionalText = None
    """What happens to persons that are no longer in the list."""
    guard: Guard = Guard()
    """Limits of this action."""


class TestModel(Model):
    """A row and what it must become."""

    __test__ = False

    name: Filled
    """What the test shows."""
    row: Rows
    """A row of the list: heading (or name of the column) and cell. What is left out is empty. With group_by also a list
    of the rows of one person."""
    expect: Mapping
    """By action: the fields that matter; null where the row takes no part."""


class MappingModel(Model):
    """A mapping file."""

    id: OptionalText = None
    """Name of the mapping; default: the file's name."""
    alias: OptionalText = None
    """What people call it."""
    description: OptionalText = None
    """What it is for."""
    enabled: Flag = True
    """false stops it; nothing changes in the target."""
    expect_every: OptionalSeconds = None
    """No good run for so long is reported."""
    notify: OptionalNames = None
    """Who hears of it; default: notify.default."""
    triggers: Sequence = ()
    """When it runs."""
    conditions: Sequence = ()
    """What must hold for a run."""
    source: SourceModel
    """Where the list comes from."""
    variables: Mapping = Field(default_factory=dict)
    """Computed per row, in order."""
    tables: Mapping = Field(default_factory=dict)
    """Look-up tables."""
    actions: Sequence
    """What is brought up to date."""
    tests: Sequence = ()
    """Rows and what they must become."""


class UseBlueprint(Model):
    """``use_blueprint`` of a mapping."""

    path: Filled
    """The blueprint's file under mappings/blueprints/."""
    input: Mapping = Field(default_factory=dict)
    """Values for the blueprint's inputs."""


class BlueprintInput(Model):
    """One input of a blueprint, as in Home Assistant."""

    name: OptionalText = None
    """What people call it."""
    description: OptionalText = None
    """What it is for."""
    default: Any = None
    """What holds where the mapping does not name it."""
    selector: Any = None
    """How programs ask for it, as in Home Assistant."""


class BlueprintHead(Model):
    """``blueprint`` at the top of a blueprint."""

    name: Filled
    """What people call it."""
    description: OptionalText = None
    """What it is for."""
    input: Mapping = Field(default_factory=dict)
    """The values that a mapping which uses it must or may give, by name."""
