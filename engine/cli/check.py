"""``abgleich check``: every problem of the configuration and all mappings at once; ``--fix`` mends what is certain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.arguments import json_option, mappings_argument
from engine.cli.common import load_project, mapping_ids
from engine.cli.door import EXIT_FAILED, EXIT_OK
from engine.cli.output import problems_document, show, show_json, show_problems
from engine.cli.usage import Examples
from engine.config.lines import reader_of_lines
from engine.i18n import _

if TYPE_CHECKING:
    from engine.config.load import Project
    from engine.problems import Problem


def summary() -> str:
    """What the command does."""
    return _("Show every problem of the configuration and all mappings at once.")


def examples() -> Examples:
    """Command lines to copy."""
    return (
        ("abgleich check", _("everything")),
        ("abgleich check personal --fix", _("one mapping, and mend what is certain")),
    )


def command(
    context: typer.Context,
    mappings: Annotated[list[str] | None, mappings_argument()] = None,
    fix: Annotated[bool, typer.Option("--fix", help=_("Mend what is certain and show what was changed."))] = False,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    """Check."""
    from engine.report.problems import fixable_line, problems_summary
    from engine.sync.script import effects_of, problems_of

    project = load_project(context)
    ids = mapping_ids(project, mappings) if mappings else None
    document: dict[str, Any] = {}
    problems = _fixed(project, ids, document, as_json) if fix else problems_of(project, ids)
    effects = effects_of(load_project(context) if fix else project, problems)
    good = all(problem.severity != "error" for problem in problems)
    if as_json:
        show_json({"ok": good, **problems_document(problems, project.root, effects), **document})
    else:
        show_problems(problems, project.root, effects)
        show([problems_summary(problems), *([] if fix else fixable_line(_fixable(project, ids, problems)))])
    raise typer.Exit(EXIT_OK if good else EXIT_FAILED)


def _fixable(project: Project, ids: list[str] | None, problems: list[Problem]) -> int:
    """How many of the problems `--fix` puts right. It is tried: one mistake may keep another from being mended."""
    if not any(problem.fixes for problem in problems):
        return 0
    from engine.sync.fix import fix

    mended = Counter((one.at.file, one.code, one.message) for one in fix(project.root, ids).mended)
    return (mended & Counter((one.at.file, one.code, one.message) for one in problems)).total()


def _fixed(project: Project, ids: list[str] | None, document: dict[str, Any], as_json: bool) -> list[Problem]:
    """Mend, and tell what was mended; the problems that are left to do by hand."""
    from engine.report.problems import fixed_lines
    from engine.sync.fix import fix, write

    fixed = fix(project.root, ids)
    before = _lines(project.root, fixed.mended)
    write(fixed.files)
    if as_json:
        shown = zip(fixed.mended, before, _lines(project.root, fixed.mended), strict=True)
        document["fixed"] = [{**one.as_json(), "before": line, "after": other} for one, line, other in shown]
    else:
        diffs = [(_relative(project.root, one.path), one.before, one.after) for one in fixed.files]
        show(fixed_lines(diffs, len(fixed.mended), len(fixed.problems)))
    return list(fixed.problems)


def _lines(root: Path, problems: Sequence[Problem]) -> list[str | None]:
    line_of = reader_of_lines(root)
    return [line_of(problem.at.file or "", problem.at.line or 0) for problem in problems]


def _relative(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
