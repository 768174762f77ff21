"""``python -m engine`` is ``abgleich``."""

from engine.cli import main

main()
