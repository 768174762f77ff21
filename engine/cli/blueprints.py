"""``abgleich blueprints``: the blueprints that come with the program, what one needs, and a copy to change."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.arguments import json_option
from engine.cli.candidates import nearest
from engine.cli.common import project_root
from engine.cli.door import EXIT_OK
from engine.cli.output import show, show_json
from engine.cli.usage import Examples, WrongUsage
from engine.config.find import FOLDER
from engine.i18n import _
from engine.problems import Location, Problem, UserMustFix, why
from engine.report.words import Line

if TYPE_CHECKING:
    from engine.config.blueprint import Described


def summary() -> str:
    """What the command does."""
    return _("Show the ready blueprints, or copy one to change it.")


def examples() -> Examples:
    """Command lines to copy."""
    return (
        ("abgleich blueprints", _("lists all of them")),
        ("abgleich blueprints hiorg_fe2", _("what this one needs, and how it is used")),
    )


def command(
    context: typer.Context,
    word: Annotated[
        str | None, typer.Argument(metavar=_("BLUEPRINT"), help=_("One of them in full; default: a list of all."))
    ] = None,
    copy: Annotated[
        bool,
        typer.Option("--copy", help=_("Copy it into mappings/blueprints/ of the project, where it can be changed.")),
    ] = False,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    """Blueprints."""
    from engine.config.blueprint import described, ready_blueprints

    known = ready_blueprints()
    if word is None:
        if copy:
            text = _("Name the blueprint to copy: {line}").format(line=_example(known))
            raise WrongUsage(Problem("wrong_usage", text, _("Known are: {names}").format(names=", ".join(known))))
        chosen = [described(path) for path in known.values()]
        if as_json:
            show_json({"blueprints": [one.as_json() for one in chosen]})
        else:
            show(_overview(chosen))
        return
    path = known[_meant(word, known)]
    if copy:
        file = _copied(project_root(context), path)
        if as_json:
            show_json({"ok": True, "file": file})
        else:
            show([("good", _("{file} was written. From now on this one counts in the project.").format(file=file))])
        raise typer.Exit(EXIT_OK)
    one = described(path)
    if as_json:
        show_json({"blueprints": [one.as_json()]})
    else:
        show(_whole(one))


def _meant(word: str, known: dict[str, Path]) -> str:
    """The file that is meant, also without its ending. Ends with exit code 2 for an unknown one."""
    for name in (word, f"{word}.yaml"):
        if name in known:
            return name
    message = _("There is no ready blueprint {name}.").format(name=word)
    raise WrongUsage(Problem("wrong_usage", message, nearest(word, known)))


def _copied(root: Path, path: Path) -> str:
    """Copy a blueprint into the project; its name there. Raises where there is such a file already."""
    from engine.config.blueprint import FOLDER as BLUEPRINTS

    target = root / FOLDER / BLUEPRINTS / path.name
    shown = target.relative_to(root).as_posix()
    if target.exists():
        message = _("{file} is there already.").format(file=shown)
        hint = _("Nothing was written. Rename it first, or change it where it is.")
        raise UserMustFix(Problem("file_exists", message, hint, Location(shown)))
    try:
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, target)
    except OSError as error:
        message = _("{file} can't be written: {reason}").format(file=shown, reason=why(error))
        hint = _("Check its permissions, and whether another program has it open.")
        raise UserMustFix(Problem("file_not_writable", message, hint, Location(shown))) from None
    return shown


def _example(known: dict[str, Path]) -> str:
    return f"abgleich blueprints {next(iter(known))} --copy"


def _overview(chosen: list[Described]) -> Iterator[Line]:
    width = max(len(one.file) for one in chosen)
    for one in chosen:
        yield "", f"  {one.file:<{width}}  {one.name}"
    line = f"abgleich blueprints {chosen[0].file}"
    yield "", _("What one of them needs, and the mapping of three lines: {line}").format(line=line)


def _whole(one: Described) -> Iterator[Line]:
    yield "head", one.name
    yield "", one.description
    for needed, title in ((True, _("It needs:")), (False, _("It also knows:"))):
        found = [entry for entry in one.inputs if entry.needed is needed]
        if found:
            yield "", ""
            yield "head", title
        for entry in found:
            default = entry.shown_default
            shown = _("{name} (default: {value})").format(name=entry.name, value=default) if default else entry.name
            yield "", f"  {shown}"
            yield "dim", f"    {entry.title}. {entry.description}"
    yield "", ""
    yield "head", _("A file in mappings/ that uses it:")
    yield "", "  use_blueprint:"
    yield "", f"    path: {one.file}"
    yield "", "    input:"
    for entry in one.inputs:
        if entry.needed:
            yield "", f"      {entry.name}: …"
    yield "", ""
    yield "", _("To change it: {line}").format(line=f"abgleich blueprints {one.file} --copy")
