"""What the commands share: the project, a mapping by id or file, the state, and the exit code of a status."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from engine.cli.door import EXIT_FAILED, EXIT_HELD, EXIT_OK, EXIT_PARTIAL
from engine.cli.output import hide, problems_document, progress, show, show_json, show_problems
from engine.cli.usage import WrongUsage
from engine.config.find import CONFIGURATION, FOLDER, find_project
from engine.config.lines import reader_of_lines
from engine.i18n import _
from engine.problems import Location, Problem, UserMustFix

if TYPE_CHECKING:
    from engine.config.load import Mapping as MappingFile
    from engine.config.load import Project
    from engine.state.store import Store
    from engine.sync.account import Report, Tools

CODES = {"failed": EXIT_FAILED, "refused": EXIT_FAILED, "held": EXIT_HELD, "partial": EXIT_PARTIAL}


def project_root(context: typer.Context) -> Path:
    """The project's folder. Raises :class:`UserMustFix` where there is none."""
    named: Path | None = context.obj
    root = named if named is not None else find_project(Path.cwd())
    if root is not None and (root / FOLDER / CONFIGURATION).is_file():
        return root.resolve()
    message = _("There is no project here: {file} was not found.").format(file=f"{FOLDER}/{CONFIGURATION}")
    hint = _("`abgleich init` makes a new project; `--project DIR` names an existing one.")
    raise UserMustFix(Problem("no_project", message, hint, Location(str(named) if named is not None else None)))


def load_project(context: typer.Context) -> Project:
    """The project; its secrets are hidden from now on."""
    from engine.config.load import load

    project = load(project_root(context))
    hide(project.secrets)
    return project


def mapping_ids(project: Project, words: list[str]) -> list[str]:
    """The ids of mappings named by id or by file. Ends with exit code 2 where one is unknown."""
    return [_mapping_id(project, word) for word in words]


def _mapping_id(project: Project, word: str) -> str:
    if word in project.ids:
        return word
    for base in (Path.cwd(), project.root, project.root / FOLDER):
        path = (base / word).resolve()
        for name, file in project.ids.items():
            if file.resolve() == path:
                return name
    from engine.cli.candidates import nearest

    hint = nearest(word, project.ids)
    for problem in project.problems:
        if problem.code == "name_ends_in_txt" and Path(problem.at.file or "").stem == f"{word}.yaml":
            hint = f"{problem.message} {problem.hint}"
    raise WrongUsage(Problem("unknown_mapping", _("There is no mapping {name}.").format(name=word), hint))


def known_plan(store: Store, word: str) -> None:
    """Raises :class:`UserMustFix` where there is no plan of this number, with those that wait."""
    if store.plan(word) is None:
        from engine.cli.candidates import waiting_hint

        raise UserMustFix(
            Problem("unknown_plan", _("There is no plan {id}.").format(id=word), waiting_hint(store, word))
        )


def good_mapping(project: Project, word: str) -> MappingFile:
    """The mapping named by id or file. Raises :class:`UserMustFix` with everything that is wrong with it."""
    name = _mapping_id(project, word)
    if name in project.mappings:
        return project.mappings[name]
    from engine.sync.script import problems_of

    raise UserMustFix(*problems_of(project, [name]))


@contextmanager
def open_store(project: Project) -> Iterator[Store]:
    """The project's state."""
    from engine.state.store import Store

    store = Store(project.state_folder, project.configuration.database)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def last_sent(project: Project) -> Iterator[Store | None]:
    """The project's state for looking into it; None where there is none yet: looking makes none."""
    from engine.state.store import is_there

    if not is_there(project.state_folder, project.configuration.database):
        yield None
        return
    with open_store(project) as store:
        yield store


@contextmanager
def tools(project: Project) -> Iterator[Tools]:
    """What a run needs, with a counter on the terminal."""
    from engine.service.git import commit_of
    from engine.sync.account import Tools

    with open_store(project) as store, progress() as shown:
        yield Tools(
            store,
            commit=commit_of(project.root),
            sleep=time.sleep,
            rows_seen=lambda count: shown.tell(_("rows"), count),
            steps_done=lambda count: shown.tell(_("changes"), count),
        )


def finish(report: Report, as_json: bool, root: Path) -> None:
    """Show a run and end with its exit code."""
    from engine.report.runs import run_lines

    document = report.as_json()
    if as_json:
        show_json({**document, **problems_document(report.problems, root)})
    else:
        show(run_lines(document, line_of=reader_of_lines(root)))
    raise typer.Exit(CODES.get(report.status, EXIT_OK))


@contextmanager
def problems_shown(
    context: typer.Context, as_json: bool, mapping: str = "", shape: Mapping[str, Any] | None = None
) -> Iterator[None]:
    """Problems that keep a command from working: shown with the user's lines, or in the command's JSON.

    ``shape`` is its document without anything in it; by default it is a run, of ``mapping``, that was refused.
    """
    from engine.problems import ProblemError

    try:
        yield
    except ProblemError as error:
        if as_json:
            root = context.obj or find_project(Path.cwd())
            show_json({**(shape or _refused_run(mapping)), **problems_document(error.problems, root)})
        else:
            typer.secho(_("Nothing was written."), bold=True)
            show_problems(error.problems, context.obj or find_project(Path.cwd()))
        raise typer.Exit(EXIT_FAILED) from None


def _refused_run(mapping: str) -> dict[str, Any]:
    """A run that never began, in the shape of a run."""
    return {
        "run": None,
        "plan": None,
        "mapping": mapping or None,
        "status": "refused",
        "source": None,
        "actions": [],
        "rejected": [],
    }


def given_key(word: str | None, option: str) -> str | None:
    """The key that an option names. Raises :class:`WrongUsage` where the next option stands in its place."""
    if word is not None and word.startswith("--"):
        message = _("{option} needs a key; {word} stands in its place.").format(option=option, word=word)
        hint = _("For example: {line}").format(line=f"{option} 1042 {word}")
        raise WrongUsage(Problem("wrong_usage", message, hint))
    return word


def given_file(file: Path | None, project: Project, mapping: MappingFile) -> Path | None:
    """A file named by hand, as an absolute path: from here, from the project, or where the mapping's lists lie.

    Raises :class:`UserMustFix` where there is none.
    """
    if file is None:
        return None
    folder = Path(mapping.model.source.path).parent
    folders = [*dict.fromkeys((Path.cwd(), project.root, project.root / folder))]
    for path in (base / file for base in folders):
        if path.exists():
            return path.resolve()
    raise UserMustFix(no_such_file(file, [*(base / file.parent for base in folders), *folders]))


def no_such_file(file: Path, folders: list[Path], otherwise: str = "") -> Problem:
    """That there is no such file, with the one that is meant; ``otherwise`` is the hint where none is near."""
    from engine.source.files import near_file

    near = near_file(file.name, folders)
    hint = otherwise or _("Check the name; a path counts from the folder you are in, or from the project folder.")
    if near is not None:
        hint = _("Did you mean {name}?").format(name=_from_here(near))
    message = _("The file {file} does not exist.").format(file=file)
    return Problem("no_file", message, hint, Location(str(file)))


def _from_here(path: Path) -> str:
    here = Path.cwd()
    path = path.resolve()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else str(path)
