"""The layer table and the doors in CONTRIBUTING are true: the imports are held against them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted((ROOT / "engine").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name] = path
    return found


def table(heading: str) -> list[list[str]]:
    """The rows of the first table behind ``heading``, its head left out."""
    behind = CONTRIBUTING.split(heading, 1)[1]
    rows = re.search(r"(?:^\|.*\|\n)+", behind, re.MULTILINE)
    assert rows is not None
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in rows[0].splitlines()[2:]]


def names_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def layer_of(module: str) -> int:
    """The row that names the module most closely."""
    best, layer = "", -1
    for number, names in table("### Layers"):
        for name in names_in(names):
            if (module == name or module.startswith(name + ".")) and len(name) > len(best):
                best, layer = name, int(number)
    return layer


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, also inside of functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_every_module_has_a_layer() -> None:
    homeless = [name for name in modules() if name != "engine" and layer_of(name) < 0]
    assert [name for name in homeless if name not in ("engine.sync", "engine.locale")] == []


def test_no_module_imports_from_a_layer_above_its_own() -> None:
    known = modules()
    wrong = [
        f"{name} -> {used}"
        for name, path in known.items()
        for used in imports_of(path)
        if used in known and used != "engine" and layer_of(used) > layer_of(name) >= 0
    ]
    assert wrong == []


def test_each_library_is_used_behind_its_door_only() -> None:
    doors = {library: names_in(row[1]) for row in table("Each third-party library") for library in names_in(row[0])}
    wrong = [
        f"{name} -> {used}"
        for name, path in modules().items()
        for used in imports_of(path)
        for library, allowed in doors.items()
        if used.split(".")[0] == library and not any(name == door or name.startswith(door + ".") for door in allowed)
    ]
    assert wrong == []


def test_every_library_has_a_door() -> None:
    stdlib_or_ours = {"engine", "__future__"}
    doors = {library for row in table("Each third-party library") for library in names_in(row[0])}
    pyproject = (ROOT / "pyproject.toml").read_text("utf-8").split("dependencies = [")[1].split("]")[0]
    listed = {name.lower().replace(".yaml", "").replace("-", "_") for name in re.findall(r'"([\w.-]+)', pyproject)}
    assert listed - stdlib_or_ours - {"tzdata"} <= {door.lower() for door in doors}


def test_the_stand_ins_need_the_standard_library_only() -> None:
    import sys

    used = {name.split(".")[0] for path in (ROOT / "engine" / "simulator").glob("*.py") for name in imports_of(path)}
    assert used - set(sys.stdlib_module_names) <= {"engine"}


def test_pure_modules_touch_nothing_outside() -> None:
    pure = [name for name, path in modules().items() if path.read_text("utf-8").startswith(('"""PURE', "'''PURE"))]
    assert {"engine.sync.plan", "engine.sync.guard", "engine.sync.record", "engine.report"} <= set(pure)
    impure = {"os", "pathlib", "subprocess", "socket", "time", "httpx", "sqlalchemy", "tempfile", "shutil"}
    used = {name: {word.split(".")[0] for word in imports_of(modules()[name])} for name in pure}
    wrong = [f"{name} -> {word}" for name, words in used.items() for word in words & impure]
    assert wrong == []
