"""``abgleich runs``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from engine.cli.arguments import json_option
from engine.cli.common import load_project, mapping_ids, open_store, problems_shown
from engine.cli.output import show, show_json
from engine.cli.usage import Examples
from engine.i18n import _

if TYPE_CHECKING:
    from engine.config.load import Project
    from engine.state.store import Store, StoredRun


def summary() -> str:
    """What the command does."""
    return _("Show what has been run, the newest first.")


def examples() -> Examples:
    """Command lines to copy."""
    return (
        ("abgleich runs", _("the latest of all mappings")),
        ("abgleich runs personal --limit 5", _("the latest five of one")),
    )


def command(
    context: typer.Context,
    mapping: Annotated[
        str | None, typer.Argument(metavar=_("MAPPING"), help=_("The runs of this mapping only."))
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar=_("NUMBER"), min=1, help=_("So many runs."))] = 30,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    """Runs."""
    from engine.report.runs import runs_lines

    project = load_project(context)
    shape = {"runs": [], "more": 0, "plans": []}
    with problems_shown(context, as_json, shape=shape), open_store(project) as store:
        name = _known(project, store, mapping) if mapping is not None else None
        found = store.runs(name, limit)
        more = store.count_runs(name) - len(found)
        waiting = store.open_plans(name)
    zone = ZoneInfo(project.configuration.timezone)
    listed = [_as_json(run, zone) for run in found]
    if as_json:
        plans = [{"plan": plan.id, "mapping": plan.plan.mapping, "status": plan.status} for plan in waiting]
        show_json({"runs": listed, "more": more, "plans": plans})
        return
    show(runs_lines(listed, more, name or "") if listed else [("dim", _("Nothing was run yet."))])
    for plan in waiting:
        text = _("Plan {id} of {mapping} waits: abgleich show {run}, then approve or reject it.")
        show([("warn", text.format(id=plan.id, mapping=plan.plan.mapping, run=plan.run))])


def _known(project: Project, store: Store, word: str) -> str:
    """The mapping's id; also that of a deleted one, whose runs are still there."""
    return word if store.count_runs(word) else mapping_ids(project, [word])[0]


def _as_json(run: StoredRun, zone: ZoneInfo) -> dict[str, Any]:
    actions = run.report.get("actions", [])
    names = ("created", "updated", "removed", "unchanged", "rejected", "held", "failed")
    return {
        "run": run.id,
        "mapping": run.mapping,
        "command": run.command,
        "status": run.status,
        "started": datetime.fromisoformat(run.started_at).astimezone(zone).strftime("%Y-%m-%d %H:%M"),
        "plan": run.report.get("plan"),
        "counts": {name: sum(action.get(name, 0) for action in actions) for name in names},
    }
