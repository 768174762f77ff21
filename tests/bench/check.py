"""What ``abgleich check`` costs for a provider with many mappings: as a process, with the memory it takes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from engine.cli import door
from tests.world import PERSONAL, World

COUNT = 1000


def bench_check_of_many_mappings() -> Iterator[str]:
    """1,000 good mappings, then the same with a mistake in every tenth."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        world = World(Path(folder) / "project", stack)
        for number in range(COUNT):
            world.mapping(PERSONAL, name=f"m{number}", path=f"inbox/m{number}*.csv")
        yield f"{COUNT} mappings: {_checked(world, 0)}"
        for number in range(0, COUNT, 10):
            broken = PERSONAL.replace("{{ nachname }}", "{{ nachname | uper }}")
            world.mapping(broken, name=f"m{number}", path=f"inbox/m{number}*.csv")
        yield f"a mistake in {COUNT // 10} of them: {_checked(world, 1)}"


def _checked(world: World, expected: int) -> str:
    environment = os.environ | {"PYTHONPATH": str(Path(door.__file__).parents[2])}
    command = [sys.executable, "-c", _COMMAND, "--project", str(world.root), "check"]
    begun = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    took = time.monotonic() - begun
    code, memory = done.stderr.decode().split()[-2:]
    assert int(code) == expected, done.stdout
    return f"{took:.1f} s, {int(memory) / 1024:.0f} MiB at the most" if int(memory) else f"{took:.1f} s"


# The most memory a process has ever had is known to itself only; not on Windows.
_COMMAND = """
import sys
from engine.cli.door import run
code = run(sys.argv[1:])
try:
    import resource
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
except ImportError:
    memory = 0
print(code, memory, file=sys.stderr)
"""
