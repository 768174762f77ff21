"""What may stand where a word of the command line is missing or not known: plans that wait, runs, mappings, lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import typer

from engine.cli.common import last_sent, load_project, project_root
from engine.i18n import _, ngettext
from engine.problems import ProblemError, did_you_mean

if TYPE_CHECKING:
    from engine.config.load import Project
    from engine.state.store import Store, StoredPlan, StoredRun

MOST = 10
LATEST = 5


def candidates(context: typer.Context, parameter: str) -> list[str]:
    """What may stand for a parameter of the context's command, a line each; nothing where nobody can tell."""
    finder = _OF_COMMAND.get((context.command.name or "", parameter)) or _OF_PARAMETER.get(parameter)
    if finder is None:
        return []
    try:
        return list(finder(context))
    except ProblemError as error:
        return [f"{problem.message} {problem.hint}".strip() for problem in error.problems[:1]]


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for a word that is not known: the one that was meant, and what there is."""
    names = list(known)
    begun = [name for name in names if word and name.casefold().startswith(word.casefold())]
    near = did_you_mean(word, names) or next(iter(begun), None)
    meant = _("Did you mean {name}?").format(name=near) + " " if near else ""
    return meant + _("Known are: {names}").format(names=_listed(names))


def waiting_hint(store: Store, word: str) -> str:
    """A hint for a plan that is not known: the plan of the run that was named instead, and what waits."""
    run = store.run(word)
    plan = run.report.get("plan") if run is not None else None
    meant = _("{run} is a run; its plan is {plan}.").format(run=word, plan=plan) + " " if plan else ""
    waiting = [f"{stored.id} ({stored.plan.mapping})" for stored in store.open_plans()]
    if not waiting:
        return meant + _("No plan waits. `abgleich plan MAPPING` makes one, `abgleich runs` shows what has been.")
    return meant + _("Waiting plans: {names}").format(names=_listed(waiting))


def latest_hint(project: Project, store: Store, word: str) -> str:
    """A hint for a run that is not known: the latest of the mapping that was named instead, or of all."""
    of_mapping = store.runs(word, LATEST) if word in project.ids else []
    runs = [run.id for run in of_mapping or store.runs(limit=LATEST)]
    if not runs:
        return _("Nothing was run yet.")
    latest = _("The latest runs of {name}: {runs}") if of_mapping else _("The latest runs: {runs}")
    near = did_you_mean(word, runs)
    meant = _("Did you mean {name}?").format(name=near) + " " if near else ""
    return meant + latest.format(name=word, runs=", ".join(runs)) + ". " + _("`abgleich runs` lists them.")


def _listed(names: list[str]) -> str:
    if not names:
        return _("none")
    more = len(names) - MOST
    text = ", ".join(names[:MOST])
    return text + " " + ngettext("and {n} more", "and {n} more", more).format(n=more) if more > 0 else text


def _plans(context: typer.Context) -> Iterator[str]:
    project = load_project(context)
    with last_sent(project) as store:
        waiting = store.open_plans() if store is not None else []
    if not waiting:
        yield _("No plan waits. `abgleich plan MAPPING` makes one, `abgleich runs` shows what has been.")
        return
    yield _("Waiting plans:")
    yield from _cut((_plan_line(plan) for plan in waiting), len(waiting), _("`abgleich runs` shows all of them."))
    yield _("First look at what one of them does: {line}").format(line=f"abgleich show {waiting[0].id}")


def _plan_line(stored: StoredPlan) -> str:
    from engine.report.words import status_word

    count = sum(len(action.changes) for action in stored.plan.actions)
    changes = ngettext("{n} change", "{n} changes", count).format(n=count)
    return f"  {stored.id:<5} {stored.plan.mapping}: {changes}, {status_word(stored.status)}"


def _runs(context: typer.Context) -> Iterator[str]:
    project = load_project(context)
    with last_sent(project) as store:
        runs = store.runs(limit=LATEST) if store is not None else []
    if not runs:
        yield _("Nothing was run yet.")
        return
    yield _("The latest runs, the newest first:")
    yield from (_run_line(run) for run in runs)
    yield _("`abgleich runs` lists more.")


def _run_line(run: StoredRun) -> str:
    from engine.report.words import status_word

    return f"  {run.id:<14} {run.mapping}: {status_word(run.status)}"


def _mappings(context: typer.Context) -> Iterator[str]:
    project = load_project(context)
    if not project.ids:
        yield _("There is no mapping yet. `abgleich new inbox/LIST.csv --to fe2` writes a first one.")
        return
    yield _("Mappings of this project:")
    width = max(map(len, project.ids))
    lines = (f"  {name:<{width}}  {_alias(project, name)}".rstrip() for name in project.ids)
    yield from _cut(lines, len(project.ids), _("`abgleich status` names all of them."))


def _alias(project: Project, name: str) -> str:
    mapping = project.mappings.get(name)
    return mapping.model.alias or "" if mapping is not None else _("has mistakes: `abgleich check` shows them")


def _keys(context: typer.Context) -> Iterator[str]:
    from engine.sync.trace import key_heading

    project, name = load_project(context), str(context.params.get("mapping", ""))
    mapping = project.mappings.get(name)
    if mapping is None:
        return
    text = _("The key is what stands in {column}; `abgleich preview {id}` shows it for every row.")
    yield text.format(column=key_heading(mapping), id=name)


def _released(context: typer.Context) -> Iterator[str]:
    from engine.sync.owners import is_live
    from engine.sync.record import Owner

    project = load_project(context)
    with last_sent(project) as store:
        owners = store.owners(perhaps=True) if store is not None else {}
    counts: dict[str, int] = {}
    for (connection, mapping, action), count in sorted(owners.items()):
        if not is_live(project, Owner(mapping, action), connection):
            counts[mapping] = counts.get(mapping, 0) + count
    if not counts:
        yield _("Nobody is left over from a deleted mapping: there is nothing to release.")
        return
    yield _("Deleted mappings whose people are still there:")
    for name, count in counts.items():
        yield f"  {name}: " + ngettext("{n} person", "{n} persons", count).format(n=count)


def _lists(context: typer.Context) -> Iterator[str]:
    from engine.source.files import TYPES

    root = project_root(context)
    folder = root / "inbox"
    found = sorted(path.name for path in folder.iterdir() if path.suffix.casefold() in TYPES) if folder.is_dir() else []
    if not found:
        yield _("Put the list into the folder inbox of the project, then: {line}").format(
            line="abgleich new inbox/LISTE.csv --to fe2"
        )
        return
    yield _("Lists in the folder inbox:")
    yield from _cut((f"  inbox/{name}" for name in found), len(found), "")


def _servers(_context: typer.Context) -> Iterator[str]:
    for name, text in target_meanings().items():
        yield f"  {name:<9}  {text}"


def target_meanings() -> dict[str, str]:
    """Both systems, and what each is for."""
    return {
        "fe2": _("persons in FE2: who is alarmed, and how"),
        "greyhound": _("contacts in GREYHOUND: the address book"),
    }


def _cut(lines: Iterable[str], count: int, how: str) -> Iterator[str]:
    """The first few lines; where there are more, how many, and how to see them."""
    for number, line in enumerate(lines):
        if number == MOST:
            more = ngettext("… and {n} more.", "… and {n} more.", count - MOST).format(n=count - MOST)
            yield f"  {more} {how}".rstrip()
            return
        yield line


Finder = Callable[[typer.Context], Iterator[str]]

_OF_PARAMETER: dict[str, Finder] = {"plan": _plans, "run": _runs, "mapping": _mappings, "key": _keys, "file": _lists}
_OF_COMMAND: dict[tuple[str, str], Finder] = {("release", "mapping"): _released, ("simulate", "kind"): _servers}
"""Who finds what may stand for a parameter; of some commands it is something else than of the others."""
