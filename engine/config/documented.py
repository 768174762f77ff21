"""PURE: the texts below the keys of the models. They explain a key in editors, and are translated like messages."""

from __future__ import annotations

import ast
import itertools


def documented(source: str) -> dict[str, dict[str, tuple[int, str]]]:
    """For each class of a module its keys, each with the line and the text that stands below it."""
    return {
        statement.name: dict(_keys(statement))
        for statement in ast.parse(source).body
        if isinstance(statement, ast.ClassDef)
    }


def _keys(body: ast.ClassDef) -> list[tuple[str, tuple[int, str]]]:
    return [
        (statement.target.id, (behind.lineno, " ".join(behind.value.value.split())))
        for statement, behind in itertools.pairwise(body.body)
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and isinstance(behind, ast.Expr)
        and isinstance(behind.value, ast.Constant)
        and isinstance(behind.value.value, str)
    ]
