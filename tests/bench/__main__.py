"""``python -m tests.bench``: runs every ``bench_*`` of this package and prints what it says."""

from __future__ import annotations

from tests.bench import check, engine, greyhound, rows, sources


def main() -> None:
    """Run them one after the other, in the order they are written."""
    for module in (rows, sources, check, greyhound, engine):
        for name, bench in list(vars(module).items()):
            if name.startswith("bench_"):
                print(f"\n{name.removeprefix('bench_').replace('_', ' ')}")
                for line in bench():
                    print(f"  {line}", flush=True)


if __name__ == "__main__":
    main()
