"""What it means that a version's release is proven: what is played, and what came of it, as plain data. Pure.

A proof is played elsewhere (see `ringfence.proving`), in a process of its own: what goes there and what comes back are these.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from ringfence.playbooks.calls import reached
from ringfence.playbooks.installation import Called
from ringfence.playbooks.model import Catalogue, Effect, Playbook

HOLDS: Final = ("auto_release", "lift_after")
"""Parameters by which an action offers to let go by itself: only those that cut something off have one."""


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Component(_Plain):
    """A component that a version reaches, by the name and the version that are written."""

    name: str
    version: str
    source: str


class Listed(_Plain):
    """A table of the organization, without its entries."""

    name: str
    kind: str


class Subject(_Plain):
    """What is to be proven: a version's text, with all that it needs of its organization but secrets and data.

    `services` are trigger services by name, with the account that each reads.
    """

    source: str
    components: tuple[Component, ...] = ()
    services: dict[str, str] = Field(default_factory=dict)
    tables: tuple[Listed, ...] = ()


class Sight(_Plain):
    """One thing that was seen, so many seconds of played time after the run was started."""

    after: float
    what: str


class StepProof(_Plain):
    """What came of one step that cuts a host off; `why` and `advice` say what is missing where it is not proven.

    `by` is how it was let go: `step`, or `timer`. `scene` says what was played.
    """

    step: str
    action: str
    proven: bool
    scene: str
    by: str = ""
    why: str = ""
    advice: str = ""
    seen: tuple[Sight, ...] = ()
    notes: tuple[str, ...] = ()


class Proof(_Plain):
    """What came of all steps that cut a host off. Without any, there was nothing to prove."""

    steps: tuple[StepProof, ...] = ()
    error: str = ""

    @property
    def proven(self) -> bool:
        """Whether every host that the version cuts off was seen to be let go again."""
        return not self.error and all(each.proven for each in self.steps)

    @property
    def why(self) -> str:
        """Say in a sentence or two why it is not proven; empty where it is."""
        if self.error:
            return self.error
        return " ".join(f"{each.step}: {each.why}" for each in self.steps if not each.proven)


def holds(playbook: Playbook, components: Mapping[Called, Playbook], catalogue: Catalogue) -> bool:
    """Say whether a playbook cuts hosts off, itself or through components."""
    return any(
        _cuts_off(action.effect, tuple(action.parameters)) for _, action in reached(playbook, components, catalogue)
    )


def cutting(actions: Mapping[str, tuple[Effect, tuple[str, ...]]]) -> Iterator[str]:
    """Give the steps, of those given with effect and names of parameters of their action, that cut a host off."""
    for name, (effect, parameters) in actions.items():
        if _cuts_off(effect, parameters):
            yield name


def _cuts_off(effect: Effect, parameters: tuple[str, ...]) -> bool:
    # Letting go is an effect of the same kind.
    return effect is Effect.CONTAIN and any(each in parameters for each in HOLDS)
