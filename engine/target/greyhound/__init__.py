"""GREYHOUND: one contact at a time over JSON-RPC (vendor page „Kontakte anlegen über JSON-RPC“)."""
