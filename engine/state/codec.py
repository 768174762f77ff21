"""PURE: plans as JSON text and back."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from engine.sync.plan import ActionPlan, Change, Plan, Reason
from engine.sync.record import Owner


def plan_to_json(plan: Plan) -> str:
    """The whole plan: it holds everything it will send."""
    return json.dumps(asdict(plan), ensure_ascii=False)


def plan_from_json(text: str) -> Plan:
    """The plan that :func:`plan_to_json` wrote."""
    data = json.loads(text)
    return Plan(
        mapping=data["mapping"],
        actions=tuple(_action(action) for action in data["actions"]),
        mapping_hash=data["mapping_hash"],
        connection_hashes=data["connection_hashes"],
        source=data["source"],
        holds=tuple(Reason(**reason) for reason in data["holds"]),
        removal_holds=tuple(Reason(**reason) for reason in data["removal_holds"]),
    )


def _action(data: dict[str, Any]) -> ActionPlan:
    changes = tuple(_change(change) for change in data["changes"])
    adopted = tuple(_change(change) for change in data["adopted"])
    # Plans of earlier versions have no `let_go`.
    keys = {name: tuple(data.get(name, ())) for name in ("handed_over", "let_go")}
    return ActionPlan(**(data | keys | {"changes": changes, "adopted": adopted}))


def _change(data: dict[str, Any]) -> Change:
    taken = data["taken_from"]
    return Change(**(data | {"taken_from": Owner(**taken) if taken else None}))
