"""What an action sees, and the two doors through which it reaches the world."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from ringfence.playbooks.model import Json

LogLevel: TypeAlias = Literal["error", "warn", "info", "debug", "trace"]


@dataclass(frozen=True, slots=True)
class ContainmentState:
    """Where a containment stands.

    `state` is a name of the containment's own state machine (requested, denied, pending, contained, released, …).
    `contained`: Defender confirmed that the host is cut off, and it still is as far as we know. `final`: no further
    change will come. `reasons` are the sentences of the policy's verdict; `detail` is one sentence for people.
    """

    id: str
    state: str
    machine_id: str
    machine_name: str
    reasons: tuple[str, ...] = ()
    final: bool = False
    contained: bool = False
    detail: str = ""

    def to_json(self) -> dict[str, Json]:
        """Give the state as the output of a step."""
        return {
            "id": self.id,
            "state": self.state,
            "machine_id": self.machine_id,
            "machine_name": self.machine_name,
            "reasons": list(self.reasons),
            "contained": self.contained,
            "detail": self.detail,
        }


class DefenderPort(Protocol):
    """What actions may ask of Defender, for the account of the run; answers are the documents as Defender sends them.

    Every failure is an ActionError. Writes carry a key and do nothing again if that key was already carried out.
    """

    async def get_machine(self, machine: str) -> Json: ...
    async def get_alert(self, alert: str) -> Json: ...
    async def update_alert(
        self,
        alert: str,
        *,
        status: str | None,
        assigned_to: str | None,
        classification: str | None,
        determination: str | None,
        comment: str | None,
        key: str,
    ) -> Json: ...
    async def find_machines_by_ip(self, ip: str, *, at: datetime) -> Json: ...
    async def get_machine_logon_users(self, machine: str) -> Json: ...
    async def list_machine_actions(self, machine: str) -> Json: ...


class ContainmentPort(Protocol):
    """The only way for an action to cut a host off or let it go; policy decides behind it. Failures are ActionErrors.

    `request` and `release` return at once with where things stand; with a key seen before they return the state of
    what that key started. Changes are announced under the topic `containment:ID`.
    """

    async def request(
        self,
        *,
        machine: str,
        isolation_type: str,
        reason: str,
        auto_release: float | None,
        alert_id: str | None,
        key: str,
    ) -> ContainmentState: ...

    async def release(self, *, target: str, reason: str, key: str) -> ContainmentState:
        """Let a host go: `target` is a containment's id or a machine's id or exact name.

        Two answers exist here only, both final: state `not_owned`, where no containment of ours holds the host, and
        state `still_held`, where ours let go but another incident keeps the host cut off.
        """

    async def state(self, containment: str) -> ContainmentState: ...


class Context(Protocol):
    """Everything that an action sees. There is no database, no settings and no other connector in it."""

    @property
    def run_id(self) -> str: ...
    @property
    def playbook_name(self) -> str: ...
    @property
    def organization(self) -> str: ...
    @property
    def step_key(self) -> str:
        """`run:step:iteration`, the same over attempts and crashes: the idempotency key of every effect."""

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1; being resumed is not another attempt."""

    @property
    def resumed(self) -> Json:
        """The `state` of the Wait that ended, or None if the action was not parked."""

    @property
    def trigger(self) -> Mapping[str, Json]:
        """What started the run, e.g. `alert` and the variable `msft.defender.response.json.raw`."""

    @property
    def defender(self) -> DefenderPort: ...
    @property
    def containment(self) -> ContainmentPort: ...
    def document(self) -> Mapping[str, Json]:
        """The run document: trigger, steps, playbook, run, organization, inputs."""

    def now(self) -> datetime: ...
    def log(self, level: LogLevel, message: str, **fields: Json) -> None: ...
