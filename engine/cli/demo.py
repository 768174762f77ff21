"""``abgleich demo``: the main job on the built-in stand-ins, from a first list to one that is held back."""

from __future__ import annotations

import os
import re
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import tools
from engine.cli.door import EXIT_FAILED
from engine.cli.init import new_project
from engine.cli.output import hide, show
from engine.cli.usage import Examples
from engine.i18n import _, ngettext
from engine.report.runs import run_lines

if TYPE_CHECKING:
    from engine.config.load import Project
    from engine.simulator import Fe2Simulator, GreyhoundSimulator
    from engine.sync.account import Report

MAPPING = "personal"
LISTS = ("personal.csv", "personal-geaendert.csv")
CUT_AT = 0.45
MAX_SHOWN = 8


def summary() -> str:
    """What the command does."""
    return _("Show the main job on the built-in stand-ins.")


def examples() -> Examples:
    """Command lines to copy."""
    return (
        ("abgleich demo", _("all of it, in a folder that is deleted afterwards")),
        ("abgleich demo --keep demo", _("leaves the project there for looking into it")),
    )


def command(
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar=_("DIR"), help=_("Keep the project of the demo in this folder."))
    ] = None,
) -> None:
    """Demo."""
    with ExitStack() as stack:
        if keep is None:
            root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="abgleich-demo-")))
        else:
            root = keep.resolve()
        good = _demo(root, stack)
    if keep is not None:
        show([("", _("The project of this demo lies in {folder}.").format(folder=root))])
    _goodbye()
    if not good:
        raise typer.Exit(EXIT_FAILED)


def _demo(root: Path, stack: ExitStack) -> bool:
    from engine.config.load import load
    from engine.simulator import Fe2Simulator, GreyhoundSimulator

    new_project(root)
    fe2 = stack.enter_context(Fe2Simulator(access_key=None))
    greyhound = stack.enter_context(GreyhoundSimulator(users=None))
    _use_stand_ins(root, fe2.url, greyhound.url)
    project = load(root)
    hide(project.secrets)
    steps = [
        (
            _("1. The first list: 60 people. FE2 removes everybody it does not know from us, so the first one waits."),
            "held",
        ),
        (_("2. The same list, a week later: some are new, some have changed, one has left."), "done"),
        (_("3. A list that was cut off: nobody is removed, everything waits."), "held"),
    ]
    statuses = []
    for number, (title, _status) in enumerate(steps):
        _title(title)
        _drop(root, number)
        report = _run(project)
        statuses.append(report.status)
        if number == 0 and report.plan is not None:
            _title(_("   The numbers are right, so it is approved: abgleich approve {plan}").format(plan=report.plan))
            statuses.append(_approve(project, report.plan).status)
    _holdings(fe2, greyhound)
    return statuses == ["held", "done", "done", "held"] and not fe2.breaches and not greyhound.breaches


def _use_stand_ins(root: Path, fe2: str, greyhound: str) -> None:
    path = root / "mappings" / "configuration.yaml"
    text = path.read_text("utf-8")
    text = re.sub(r"http://127\.0\.0\.1:8083\b", fe2, text)
    text = re.sub(r"http://127\.0\.0\.1:8084\b", greyhound, text)
    path.write_text(text, "utf-8")


def _drop(root: Path, number: int) -> None:
    from engine.data import data_folder

    lists = data_folder("examples") / "03-both" / "inbox"
    target = root / "inbox" / LISTS[0]
    source = lists / LISTS[min(number, 1)]
    data = source.read_bytes()
    if number >= len(LISTS):
        # Cut at the end of a line: the file itself looks whole, only the guard can see it.
        data = data[: data.index(b"\n", int(len(data) * CUT_AT)) + 1]
    target.write_bytes(data)
    # It lies there complete: no need to wait until it has settled.
    a_minute_ago = time.time() - 60
    os.utime(target, (a_minute_ago, a_minute_ago))


def _run(project: Project) -> Report:
    from engine.sync.run import run_mapping

    with tools(project) as used:
        report = run_mapping(project, project.mappings[MAPPING], used)
    _show(report)
    return report


def _approve(project: Project, plan: str) -> Report:
    from engine.sync.decide import apply_plan

    with tools(project) as used:
        report = apply_plan(project, plan, used, approved=True)
    _show(report)
    return report


def _show(report: Report) -> None:
    # Without its number: nobody can look it up when the demo is over.
    show(run_lines(report.as_json() | {"run": None}, most=MAX_SHOWN))


def _title(text: str) -> None:
    show([("", ""), ("head", text), ("", "")])


def _holdings(fe2: Fe2Simulator, greyhound: GreyhoundSimulator) -> None:
    """What both hold at the end, the first few by name."""
    people = list(fe2.persons.values())
    contacts = list(greyhound.contacts.values())
    _title(_("What the stand-ins hold now"))
    show([("", ngettext("FE2: {count} person", "FE2: {count} persons", len(people)).format(count=len(people)))])
    for person in people[:3]:
        groups = ", ".join(person["alarmGroups"])
        name = f"{person['lastName']}, {person['firstName']}"
        show([("dim", f"  {person['externalDbId']}  {name}  [{groups}]  {person['mobil']}")])
    show(
        [
            (
                "",
                ngettext("GREYHOUND: {count} contact", "GREYHOUND: {count} contacts", len(contacts)).format(
                    count=len(contacts)
                ),
            )
        ]
    )
    for contact in contacts[:3]:
        links = contact.get("Properties", {}).get("Contact", {}).get("ComLinks", [])
        shown = ", ".join(link.get("Text", "") for link in links)
        show([("dim", f"  {contact['ID']}  {contact['Subject']}  {shown}")])
    for sentence in (*fe2.breaches, *greyhound.breaches):
        show([("bad", sentence)])


def _goodbye() -> None:
    show(
        [
            ("", ""),
            ("head", _("Where to go next")),
            ("", "  abgleich init " + _("my-project") + "   " + _("a project of your own, with everything explained")),
            ("", "  abgleich check | preview | run   " + _("look, try, do")),
            ("", "  abgleich start               " + _("by itself, whenever a list comes")),
        ]
    )
