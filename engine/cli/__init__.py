"""The command line: one module per word. The only place that prints or exits.

Each command's libraries are imported when it runs, so that ``--help`` and ``check`` start at once.
"""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point ``abgleich``."""
    from engine.cli.door import interruptible, run

    interruptible()
    sys.exit(run(sys.argv[1:]))
