"""PURE: which texts of a configuration are secrets, also where they stand under a misspelled key, and hiding them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from pydantic import SecretStr

from engine.config.node import Node
from engine.config.schema import Connection
from engine.problems import Problem, did_you_mean

SHORTEST = 4
"""Shorter texts are not hidden: they stand inside of ordinary words."""

_SUSPICIOUS = re.compile(r"key|pass|secret|token|kenn|schl(ü|ue)ssel|pw|authorization", re.IGNORECASE)
_IN_QUERY = re.compile(r"[?&][^=&#]*(?:key|pass|secret|token|kenn|pw|auth)[^=&#]*=([^&#]+)", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"://[^/@\s:]*:([^/\s]+)@")


def in_configuration(node: Node, kinds: Mapping[str, type[Connection]]) -> set[str]:
    """The secrets of ``configuration.yaml``: known ones, addresses, and what stands under keys that nobody knows."""
    plain = {name for kind in kinds.values() for name, info in kind.model_fields.items() if not _is_secret(info)}
    every = [name for kind in kinds.values() for name in kind.model_fields]
    found = set(_suspicious(node))
    for connection in _below(node.get("connections")):
        for key, value in connection.value.items() if isinstance(connection.value, dict) else ():
            near = did_you_mean(key, every)
            if key not in plain and near not in plain:
                found |= set(_texts(value))
    notify = node.get("notify")
    for name, value in notify.value.items() if notify is not None and isinstance(notify.value, dict) else ():
        found |= {text for text in _texts(value) if name != "default" and ":" in text}
    return found


def in_source(node: Node) -> set[str]:
    """The secrets that a mapping's source may hold: headers, passwords, and those in addresses."""
    source = node.get("source")
    if source is None or not isinstance(source.value, dict):
        return set()
    found: set[str] = set()
    for key, value in source.value.items():
        if key == "headers":
            found |= {part for text in _texts(value) for part in (text, text.rpartition(" ")[2])}
        elif key not in ("columns", "key", "where"):
            found |= {secret for text in _texts(value) for secret in _IN_ADDRESS.findall(text)}
            found |= {secret for text in _texts(value) for secret in _IN_QUERY.findall(text)} if key == "url" else set()
            if _SUSPICIOUS.search(key):
                found |= set(_texts(value))
    return found


def hidden(problems: Iterable[Problem], secrets: Iterable[str]) -> Iterator[Problem]:
    """The problems without any secret in their texts."""
    listed = sorted((secret for secret in secrets if len(secret) >= SHORTEST), key=len, reverse=True)
    for problem in problems:
        message, hint = problem.message, problem.hint
        for secret in listed:
            message, hint = message.replace(secret, "…"), hint.replace(secret, "…")
        yield replace(problem, message=message, hint=hint)


def _is_secret(info: object) -> bool:
    return getattr(info, "annotation", None) is SecretStr


def _suspicious(node: Node) -> Iterator[str]:
    """Texts under keys that sound secret, and passwords inside of addresses."""
    if isinstance(node.value, dict):
        for key, value in node.value.items():
            if _SUSPICIOUS.search(key) and isinstance(value.value, str):
                yield value.value
            yield from _suspicious(value)
    elif isinstance(node.value, list):
        for value in node.value:
            yield from _suspicious(value)
    elif isinstance(node.value, str):
        yield from _IN_ADDRESS.findall(node.value)


def _below(node: Node | None) -> Iterable[Node]:
    return node.value.values() if node is not None and isinstance(node.value, dict) else ()


def _texts(node: Node) -> Iterator[str]:
    if isinstance(node.value, str):
        yield node.value
    elif isinstance(node.value, dict):
        for value in node.value.values():
            yield from _texts(value)
    elif isinstance(node.value, list):
        for value in node.value:
            yield from _texts(value)
