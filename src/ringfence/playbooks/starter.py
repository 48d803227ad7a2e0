"""The playbooks that come with Ringfence, to begin from: which there are, and one with the names of this installation in it.

A starter is a file in `starters/`, with what people should know before they take it as a comment at its head. Adding one
edits nothing else.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, Final

from ringfence.errors import Invalid, NotFound
from ringfence.playbooks.document import read
from ringfence.playbooks.model import Playbook

_CHANNEL: Final = "notify.send"


@dataclass(frozen=True, slots=True)
class Starter:
    """A starter: `name` is its file's, `about` the comment at its head, `channels` those that it tells, by name."""

    name: str
    title: str
    description: str
    about: str
    trigger: str
    actions: tuple[str, ...]
    channels: tuple[str, ...]
    source: str

    def to_json(self) -> dict[str, Any]:
        """Give everything but the source."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "about": self.about,
            "trigger": self.trigger,
            "actions": list(self.actions),
            "channels": list(self.channels),
        }


@cache
def starters() -> Mapping[str, Starter]:
    """Give the starters by name, in the order of their titles."""
    folder = files("ringfence.playbooks").joinpath("starters")
    found = [
        _starter(entry.name.removesuffix(".yaml"), entry.read_text("utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    ]
    return {each.name: each for each in sorted(found, key=lambda each: each.title)}


def find(name: str) -> Starter:
    """Give a starter by its name; NotFound, with a name like it, if there is none."""
    known = starters()
    if name in known:
        return known[name]
    near = get_close_matches(name, known, 1)
    advice = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
    raise NotFound(f"There is no starter {name[:100]!r}.", advice=advice)


def made_from(
    starter: Starter,
    *,
    name: str | None = None,
    account: str | None = None,
    service: str | None = None,
    channel: str | None = None,
) -> str:
    """Give a starter's text with names in it, comments kept: the playbook's, whose alerts start it, whom it tells.

    Invalid where a name has no place in it, or where both an account and a service are given.
    """
    if account is not None and service is not None:
        raise Invalid("Give an account or a service, not both.", advice="A service already belongs to an account.")
    text = starter.source
    if name is not None:
        text = _replaced(text, r"^name: .*$", f"name: {_quoted(name)}", "a name")
    if account is not None:
        text = _replaced(text, r"^  account: .*$", f"  account: {_quoted(account)}", "an account")
    if service is not None:
        if not starter.trigger.startswith("defender."):
            raise Invalid("This starter is not started by alerts.", advice="Leave out the service.")
        text = _replaced(text, r"^  account: .*$", f"  service: {_quoted(service)}", "a service")
    if channel is not None:
        text = _replaced(text, r"^(\s+)to: .*$", rf"\g<1>to: {_escaped(_quoted(channel))}", "a channel", every=True)
    return text


def _replaced(text: str, pattern: str, by: str, what: str, *, every: bool = False) -> str:
    with_groups = by if every else _escaped(by)
    made, count = re.subn(pattern, with_groups, text, count=0 if every else 1, flags=re.MULTILINE)
    if not count:
        raise Invalid(f"This starter has no place for {what}.", advice="Leave it out.")
    return made


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _starter(name: str, source: str) -> Starter:
    playbook = read(source).playbook
    assert playbook is not None, name
    head = [line.removeprefix("#").strip() for line in _head(source)]
    return Starter(
        name=name,
        title=playbook.name,
        description=playbook.description,
        about=" ".join(head),
        trigger=playbook.trigger.type,
        actions=tuple(dict.fromkeys(step.action for step in playbook.steps.values())),
        channels=tuple(dict.fromkeys(_channels(playbook))),
        source=source,
    )


def _head(source: str) -> Iterator[str]:
    for line in source.splitlines():
        if not line.startswith("#"):
            return
        yield line


def _channels(playbook: Playbook) -> Iterator[str]:
    for step in playbook.steps.values():
        to = step.with_.get("to") if step.action == _CHANNEL else None
        yield from [to] if isinstance(to, str) else []
