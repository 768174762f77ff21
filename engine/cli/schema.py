"""``abgleich schema``."""

from __future__ import annotations

from engine.cli.output import show_json
from engine.i18n import _


def summary() -> str:
    """What the command does."""
    return _("Print the JSON Schema of mapping files, for editors.")


def command() -> None:
    """Schema."""
    from engine.sync.schema import mapping_schema

    show_json(mapping_schema())
