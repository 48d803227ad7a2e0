"""A playbook of 400 steps, and what it takes to read it."""

import pytest
from ruamel.yaml import YAML

ROWS = 133


def four_hundred() -> str:
    """Return a playbook of 400 steps: conditions in a row, each with two ways that come together again."""
    steps = ["  first: {action: logic.set, with: {values: {a: 1}}}"]
    before = "first"
    for row in range(ROWS):
        steps += [
            f"  test_{row}: {{after: [{before}], join: any, action: logic.condition, with: {{test: '`true`'}}}}",
            f"  yes_{row}: {{after: test_{row}.yes, action: logic.set, with: {{values: {{a: 1}}}}}}",
            f"  no_{row}: {{after: test_{row}.no, action: logic.set, with: {{values: {{a: 1}}}}}}",
        ]
        before = f"yes_{row}, no_{row}"
    return "\n".join(["ringfence: 1", "name: Four hundred", "trigger: {type: manual}", "steps:", *steps, ""])


class Reading:
    """Counts the characters that the YAML library reads and writes, to which all of its cost is owed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.characters = 0
        parse, load = YAML.parse, YAML.load

        def parsing(yaml: YAML, text: str) -> object:
            self.characters += len(text)
            return parse(yaml, text)

        def loading(yaml: YAML, text: str) -> object:
            self.characters += len(text)
            return load(yaml, text)

        monkeypatch.setattr(YAML, "parse", parsing)
        monkeypatch.setattr(YAML, "load", loading)

    def take(self) -> int:
        """Return how many there were since the last time."""
        found, self.characters = self.characters, 0
        return found
