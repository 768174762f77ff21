"""``abgleich new``: a first mapping for a list that nobody has described yet."""

from __future__ import annotations

from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.arguments import json_option
from engine.cli.candidates import target_meanings
from engine.cli.common import load_project, no_such_file
from engine.cli.door import EXIT_FAILED
from engine.cli.output import show, show_json, show_problems
from engine.cli.usage import Examples, WrongUsage
from engine.config.find import CONFIGURATION, FOLDER
from engine.i18n import _, ngettext
from engine.problems import Location, Problem, ProblemError, UserMustFix, why

if TYPE_CHECKING:
    from engine.config.load import Project
    from engine.sync.draft import Draft
    from engine.sync.sample import Sample

SHOWN = 3
MOST_LISTS = 10
LOOKED_AT = 2000
ENDINGS = (".yaml", ".yml")


class Kind(StrEnum):
    """Where the list shall go."""

    fe2 = "fe2"
    greyhound = "greyhound"


def summary() -> str:
    """What the command does."""
    return _("Write a first mapping for a list; what you should check is marked.")


def examples() -> Examples:
    """Command lines to copy."""
    return (
        ("abgleich new inbox/mitglieder.csv --to fe2", _("for alarms: persons in FE2")),
        ("abgleich new inbox/mitglieder.csv --to greyhound", _("for the address book: contacts in GREYHOUND")),
    )


def command(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar=_("FILE"), help=_("The list, as the program exports it."))],
    to: Annotated[
        Kind | None,
        typer.Option(
            "--to",
            metavar="fe2|greyhound",
            help=_("Where the list shall go: alarms (fe2) or address book (greyhound); default: the only connection."),
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar=_("M.yaml"), help=_("Name of the mapping's file; default: the list's name.")),
    ] = None,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    """New."""
    from engine.sync.draft import connection_for, draft, pattern_for
    from engine.sync.sample import look_at

    project = load_project(context)
    _refuse_missing(project, file)
    kind = to or _only_kind(project, file)
    connection_for(project, kind.value)
    target = _target(project, file, out)
    _refuse_existing(project, target)
    sample = look_at(file.resolve())
    inside = sample.file.is_relative_to(project.root)
    path = pattern_for(sample.file.name)
    folder = sample.file.relative_to(project.root).parent.as_posix() if inside else "inbox"
    path = path if folder == "." else f"{folder}/{path}"
    made = draft(project, sample, kind.value, target.stem, path, is_elsewhere=not inside)
    _write(target, made.text)
    problems, rows = _tried(context, target.stem, sample)
    if as_json:
        show_json(_document(project, target, sample, made, problems, rows[:SHOWN]))
    else:
        if to is None:
            name, _others = connection_for(project, kind.value)
            text = _("It goes to {name}, the only connection (--to {kind}).")
            show([("", text.format(name=name, kind=kind.value))])
        _show(project, target, sample, made, problems, rows)
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(EXIT_FAILED)


def _only_kind(project: Project, file: Path) -> Kind:
    """Where a list goes if nobody says it: to the only connection. Ends with exit code 2 where there are others."""
    kinds = [one.type for one in project.connections.values()]
    if len(kinds) == 1:
        return Kind(kinds[0])
    written = _as_word(str(file))
    choices = [f"  abgleich new {written} --to {name}\n      {text}" for name, text in target_meanings().items()]
    hint = "\n".join(choices)
    raise WrongUsage(Problem("wrong_usage", _("Where shall the list go? Say it with --to:"), hint))


def _target(project: Project, file: Path, out: Path | None) -> Path:
    """The mapping's file: a bare name means the folder of the mappings. Raises where no mapping is looked for."""
    from engine.config.load import ID, NOT_MAPPINGS

    folder = project.root / FOLDER
    if out is None:
        target = folder / f"{_plain_name(file.stem)}.yaml"
    elif out.is_absolute() or len(out.parts) > 1:
        near = (Path.cwd() / out).resolve()
        target = near if near.is_relative_to(folder) else (project.root / out).resolve()
    else:
        target = folder / out
    if target.suffix not in ENDINGS:
        target = target.with_name(f"{target.name}.yaml")
    parts = target.relative_to(folder).parts if target.is_relative_to(folder) else ()
    is_id = ID.fullmatch(target.stem) is not None
    if not parts or not is_id or parts[0] in NOT_MAPPINGS or target.name in (CONFIGURATION, "secrets.yaml"):
        message = _("A mapping can't be written to {file}.").format(file=out)
        hint = _(
            "Mappings lie in the folder {folder} of the project, and have no blanks. Write for example --out {example}."
        )
        shown = hint.format(folder=f"{FOLDER}/", example=f"{_plain_name(file.stem)}.yaml")
        raise UserMustFix(Problem("not_a_mapping_place", message, shown, Location(str(out))))
    return target


def _plain_name(stem: str) -> str:
    """The name of a list without date, as an id: letters, digits, ``_`` and ``-``."""
    import re

    from engine.sync.draft import pattern_for

    bare = pattern_for(f"{stem}.csv").removesuffix(".csv").rstrip("*")
    return re.sub(r"[^\w-]+", "-", bare).strip("-_").casefold() or "liste"


def _refuse_existing(project: Project, target: Path) -> None:
    shown = target.relative_to(project.root).as_posix()
    hint = _("Nothing was written. Choose another name with --out, for example --out {name}.").format(
        name=f"{target.stem}-2.yaml"
    )
    if target.exists():
        message = _("{file} is there already.").format(file=shown)
        raise UserMustFix(Problem("file_exists", message, hint, Location(shown)))
    other = project.ids.get(target.stem)
    if other is not None:
        name = other.relative_to(project.root).as_posix()
        message = _("{file} has the id {id} already.").format(file=name, id=target.stem)
        raise UserMustFix(Problem("duplicate_id", message, hint, Location(name)))


def _refuse_missing(project: Project, file: Path) -> None:
    """Say which file was meant, rather than only that there is none."""
    if file.is_file():
        return
    if file.is_dir():
        message = _("{folder} is a folder, not a list.").format(folder=file)
        raise UserMustFix(Problem("no_file", message, _lists_in(file), Location(str(file))))
    hint = _("Put the list into the folder inbox of the project, then: {line}").format(
        line="abgleich new inbox/LISTE.csv --to fe2"
    )
    raise UserMustFix(no_such_file(file, [file.parent, project.root / "inbox"], hint))


def _lists_in(folder: Path) -> str:
    """The hint that names the lists of a folder."""
    from engine.source.files import TYPES, files_in

    lists = sorted(path.name for path in files_in(folder) if path.suffix.casefold() in TYPES)
    if not lists:
        return _("There is no list in it. Put the list there, and name it with its folder.")
    lines = [f"  abgleich new {_as_word((folder / name).as_posix())}" for name in lists[:MOST_LISTS]]
    more = [f"  … (+{len(lists) - MOST_LISTS})"] if len(lists) > MOST_LISTS else []
    return "\n".join([_("Name one of the lists in it:"), *lines, *more])


def _as_word(name: str) -> str:
    """A file's name as it is typed on the command line."""
    return f'"{name}"' if " " in name else name


def _write(target: Path, text: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        message = _("{file} can't be written: {reason}").format(file=target, reason=why(error))
        hint = _("Choose a folder where you may write.")
        raise UserMustFix(Problem("not_writable", message, hint, Location(str(target)))) from None


def _tried(context: typer.Context, name: str, sample: Sample) -> tuple[list[Problem], list[dict[str, Any]]]:
    """What `check` says about the new mapping, and what its first rows become."""
    from engine.sync.preview import preview
    from engine.sync.script import problems_of

    project = load_project(context)
    problems = problems_of(project, [name])
    if name not in project.mappings or any(problem.severity == "error" for problem in problems):
        return problems, []
    try:
        return problems, [*islice(preview(project, project.mappings[name], sample.file), LOOKED_AT)]
    except ProblemError as error:
        return [*problems, *error.problems], []


def _document(
    project: Project, target: Path, sample: Sample, made: Draft, problems: list[Problem], rows: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "ok": all(problem.severity != "error" for problem in problems),
        "mapping": target.stem,
        "file": target.relative_to(project.root).as_posix(),
        "rows": sample.rows,
        "key": made.key,
        "columns": {name: list(headings) for name, headings in made.columns.items()},
        "checks": [{"line": line, "text": text} for line, text in made.checks],
        "problems": [problem.as_json() for problem in problems],
        "preview": rows,
    }


def _show_others(rows: list[dict[str, Any]], mapping: str) -> None:
    """How many of all rows would be rejected, and why the first of them would."""
    from engine.report.previews import is_rejected, preview_summary

    wrong = [row for row in rows if is_rejected(row)]
    doubted = sum(1 for row in rows if row["problems"]) - len(wrong)
    show([preview_summary(len(rows), sum(row["selected"] for row in rows), len(wrong), doubted)])
    for row in wrong[:SHOWN]:
        reason = next(problem["message"] for problem in row["problems"] if problem["severity"] == "error")
        show([("warn", "  " + _("line {line}").format(line=row["line"]) + f": {reason}")])
    if len(wrong) > SHOWN:
        more = len(wrong) - SHOWN
        text = ngettext("… and {n} more: abgleich preview {id}", "… and {n} more: abgleich preview {id}", more)
        show([("dim", "  " + text.format(n=more, id=mapping))])


def _show(
    project: Project, target: Path, sample: Sample, made: Draft, problems: list[Problem], rows: list[dict[str, Any]]
) -> None:
    from engine.config.words import check_mark
    from engine.report.previews import preview_lines

    name = target.relative_to(project.root).as_posix()
    text = ngettext("{file} was written, from {rows} row.", "{file} was written, from {rows} rows.", sample.rows)
    show([("good", text.format(file=name, rows=sample.rows))])
    if rows:
        show([("", ""), ("head", _("What the first rows would become. Nothing was sent:"))])
        for row in rows[:SHOWN]:
            show(preview_lines(row))
        _show_others(rows, target.stem)
    show_problems(problems, project.root)
    count = len(made.checks)
    text = ngettext(
        "{n} line is marked with {mark}: look at it.", "{n} lines are marked with {mark}: look at each.", count
    )
    show([("", ""), ("warn", text.format(n=count, mark=check_mark()))])
    show(("", f"  {name}:{line}: {text}") for line, text in made.checks)
    word = target.stem
    show(
        [
            ("", ""),
            ("head", _("What to do now:")),
            ("", "  1. " + _("Open {file} in an editor and go through the marked lines.").format(file=name)),
            ("", f"  2. abgleich check {word}"),
            ("", f"  3. abgleich preview {word}"),
            ("", "  4. " + _("When everything is right: `enabled: true`, then abgleich run {id}").format(id=word)),
        ]
    )
