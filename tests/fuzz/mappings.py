"""Mutated files of a project's configuration."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

from engine.config.load import load
from engine.sync.fix import fix
from engine.sync.script import problems_of
from tests.config.folder import CONFIGURATION
from tests.config.test_fuzz import SEED, points_into_the_project
from tests.fuzz.mutate import mutated_text

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def _seeds() -> list[dict[str, str]]:
    """Projects that are right, by the names of their files."""
    secrets = "gruppe: Alarm Zug 2\nother: geheim123\n"
    own = {"secrets.yaml": secrets, "configuration.yaml": CONFIGURATION, "personal.yaml": SEED}
    head = "blueprint:\n  name: X\n  input: {c: {default: fe2}}\n"
    blueprint = head + SEED.replace("connection: fe2", "connection: !input c")
    used = {**own, "personal.yaml": "use_blueprint: {path: x.yaml}\n", "blueprints/x.yaml": blueprint}
    seeds = [own, own, used]
    for example in sorted(EXAMPLES.iterdir()):
        files = {path.name: path.read_text("utf-8") for path in (example / "mappings").glob("*.yaml")}
        if files:
            files["secrets.yaml"] = files.pop("secrets.example.yaml", "")
            seeds.append(files)
    return seeds


class Mappings:
    """Tries one mutated file at a time, in a folder of its own."""

    name = "mapping files"
    share = 1

    def __init__(self, folder: Path) -> None:
        self.root = folder.resolve() / "project"
        self.seeds = _seeds()

    def write(self, number: int) -> None:
        """The project with the number, one of its files mutated."""
        chance = Random(number)
        files = dict(chance.choice(self.seeds))
        # Mostly the mapping: that is the file that people write in.
        mutated = chance.choice(
            [name for name in files if name not in ("configuration.yaml", "secrets.yaml")] * 3 + [*files]
        )
        files[mutated] = mutated_text(files[mutated], chance)
        shutil.rmtree(self.root, ignore_errors=True)
        for name, text in files.items():
            path = self.root / "mappings" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8", "surrogatepass"))

    def look(self, number: int) -> None:
        """Every problem has a place in a file."""
        for problem in problems_of(load(self.root)):
            points_into_the_project(self.root, problem)


class Mending(Mappings):
    """The same files, mended: each takes a few looks, so there are fewer of them."""

    name = "mended mapping files"
    share = 10

    def look(self, number: int) -> None:
        """What can be mended leaves fewer problems and no new one, and is mended once."""
        problems = problems_of(load(self.root))
        fixed = fix(self.root)
        assert len(fixed.problems) <= len(problems)
        assert len(problems) - len(fixed.problems) >= bool(fixed.mended)
        for file in fixed.files:
            assert file.path.name != "secrets.yaml"
            file.path.write_bytes(file.after.encode())
        assert problems_of(load(self.root)) == list(fixed.problems)
        again = fix(self.root)
        assert not again.files, "what was mended is mended"
