"""``python -m tests.fuzz N [--at NUMBER] [--only KIND]``: the result of each kind; exit code 1 if anything is wrong."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from engine.i18n import use_language
from tests.fuzz.harness import attempt, trials


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m tests.fuzz")
    words.add_argument("count", type=int, nargs="?", default=20_000)
    words.add_argument("--at", type=int, help="a single number")
    words.add_argument("--first", type=int, default=0, help="the number to begin with")
    words.add_argument("--only", default="", help="kinds whose name has this word")
    given = words.parse_args()
    use_language("de")
    numbers = range(given.first, given.first + given.count) if given.at is None else range(given.at, given.at + 1)
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        every = trials(Path(folder))
        wanted = [trial for trial in every if given.only in trial.name]
        if not wanted:
            words.error(f"no kind has this word; there are: {', '.join(trial.name for trial in every)}")
        for trial in wanted:
            result = attempt(trial, numbers if len(numbers) == 1 else numbers[:: trial.share])
            print(result, flush=True)
            for number, reason in result.failed:
                print(f"--- number {number}\n{reason}", flush=True)
            failed = failed or bool(result.failed)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
