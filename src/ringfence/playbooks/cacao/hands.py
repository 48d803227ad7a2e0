"""What a command of a CACAO document asks of a person, in words, and how long they have."""

import base64
import binascii
from typing import Final

from ringfence.playbooks.cacao.rules import Action, Command, Playbook

LONGEST: Final = 30 * 86_400_000
"""The longest that a step of ours waits, in milliseconds."""


def told(foreign: Playbook, step: Action, command: Command) -> str:
    """Say what a person is to do, who was meant to do it, and on what."""
    what = command.command or decoded(command.command_b64)
    content = command.content or decoded(command.content_b64)
    on = [foreign.target_definitions[target].name for target in step.targets or ()]
    lines = [
        f"To be done by hand ({command.type}): {what}",
        content,
        step.description or "",
        command.description or "",
        f"By: {foreign.agent_definitions[step.agent].name}",
        f"On: {', '.join(on)}" if on else "",
        "Say yes when it is done, no if it cannot be.",
    ]
    return "\n".join(line for line in lines if line)


def length(milliseconds: int) -> str:
    """Write a time as ours are written, at most 30 days."""
    kept = max(1, min(milliseconds, LONGEST))
    return f"{kept} ms" if kept % 1000 and kept < 10**9 else f"{kept // 1000} s"


def decoded(text: str | None) -> str:
    """Give what base64 holds, or the base64 where it holds no text."""
    if text is None:
        return ""
    try:
        found = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return f"(base64) {text}"
    return found if all(each.isprintable() or each in "\n\t" for each in found) else f"(base64) {text}"
