"""FE2 (Alamos): the persons of an organisation's address book, replaced as a whole by one call."""

from engine.target.fe2.sync import Fe2Sync

__all__ = ["Fe2Sync"]
