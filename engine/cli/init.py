"""``abgleich init``: a new project with one commented mapping and generated secrets."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.door import project_language
from engine.cli.output import show
from engine.cli.schema import write_editor_files
from engine.cli.usage import Examples
from engine.config.find import CONFIGURATION, FOLDER
from engine.i18n import _, language, use_language
from engine.problems import Location, Problem, UserMustFix, why

IGNORED = ".abgleich/\nsecrets.yaml\ninbox/\n"


def summary() -> str:
    """What the command does."""
    return _("Make a new project with a commented mapping and generated secrets.")


def examples() -> Examples:
    """Command lines to copy."""
    return (("abgleich init feuerwehr", _("makes the folder feuerwehr with everything in it")),)


def command(
    folder: Annotated[
        Path,
        typer.Argument(metavar=_("DIR"), show_default=False, help=_("The new project's folder; default: this one.")),
    ] = Path(),
) -> None:
    """Init."""
    root = folder.resolve()
    new_project(root)
    shown = folder if folder != Path() else Path()
    change = [("", f"  cd {shown}")] if shown != Path() else []
    show(
        [
            ("good", _("A new project lies in {folder}.").format(folder=root)),
            ("", _("Try it with the stand-ins, each in a window of its own:")),
            *change,
            ("", "  abgleich simulate fe2"),
            ("", "  abgleich simulate greyhound"),
            ("", _("and then:")),
            *change,
            ("", "  abgleich check"),
            ("", "  abgleich preview personal --limit 3"),
            ("", "  abgleich run personal"),
            ("", _("Then write your own servers into mappings/configuration.yaml: everything is explained there.")),
            ("", _("A mapping for your own list (personal.yaml is only an example) is written by:")),
            ("", "  abgleich new " + _("inbox/LIST.csv") + " --to fe2"),
        ]
    )


def new_project(root: Path) -> None:
    """Write the files of a new project. Never touches a project that is there."""
    from engine.data import data_folder

    if (root / FOLDER / CONFIGURATION).exists():
        message = _("There is a project in {folder} already.").format(folder=root)
        raise UserMustFix(Problem("project_exists", message, _("Choose another folder."), Location(str(root))))
    try:
        _write(root, data_folder("mappings"), data_folder("examples"))
    except OSError as error:
        message = _("The project can't be written: {reason}").format(reason=why(error))
        hint = _("Choose a folder where you may write.")
        raise UserMustFix(Problem("not_writable", message, hint, Location(str(root)))) from None


def _write(root: Path, mappings: Path, examples: Path) -> None:
    target = root / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(mappings.glob("*.yaml")):
        if path.name != "secrets.yaml":
            shutil.copyfile(path, target / path.name)
    _write_secrets(target)
    inbox = root / "inbox"
    inbox.mkdir(exist_ok=True)
    for path in sorted((examples / "03-both" / "inbox").glob("personal.csv")):
        shutil.copyfile(path, inbox / path.name)
    ignore = root / ".gitignore"
    if not ignore.exists():
        ignore.write_text(IGNORED, "utf-8")
    before = language()
    use_language(project_language(root))
    try:
        write_editor_files(root)
    finally:
        use_language(before)


def _write_secrets(folder: Path) -> None:
    """Every secret that the example names, with a random value, readable by the owner only."""
    example = (folder / "secrets.example.yaml").read_text("utf-8")
    generated = re.sub(
        r"^(\w+):.*$", lambda match: f"{match[1]}: {secrets.token_urlsafe(24)}", example, flags=re.MULTILINE
    )
    descriptor = os.open(folder / "secrets.yaml", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(generated)
