"""What control requests may hold."""

from typing import Any, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from ringfence.simulator import timestamps
from ringfence.simulator.specs import (
    AlertChange,
    AlertSpec,
    AppSpec,
    MachineChange,
    MachineSpec,
    PortalAction,
)
from ringfence.simulator.strict import Spec


class InjectAlerts(AlertSpec):
    """Alerts to be raised now, `age` seconds ago or `at` a time; the tenant may be left out if there is only one."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, populate_by_name=True)

    tenant: str | None = None
    at: str | None = None
    age: float = Field(0.0, ge=-100_000_000, le=1_000_000_000)
    last_update_time: str | None = Field(None, alias="lastUpdateTime")
    count: int = Field(1, ge=1, le=100_000)

    @field_validator("at", "last_update_time")
    @classmethod
    def _a_moment(cls, value: str | None) -> str | None:
        if value is not None:
            timestamps.read(value)
        return value

    def alert(self) -> AlertSpec:
        """Return the alert alone."""
        return AlertSpec.model_validate({name: getattr(self, name) for name in AlertSpec.model_fields})


class RawAlert(Spec):
    """An alert document to be served exactly as it is."""

    tenant: str | None = None
    document: dict[str, Any]


class EditAlert(AlertChange):
    """A change to an alert."""

    tenant: str | None = None


class AddMachine(MachineSpec):
    """A machine to be added."""

    tenant: str | None = None


class EditMachine(MachineChange):
    """A change to a machine."""

    tenant: str | None = None


class TakePortalAction(PortalAction):
    """An action in the portal."""

    tenant: str | None = None


class SetClock(Spec):
    """What to do to the clock."""

    advance: float | None = Field(None, ge=0, le=3_200_000_000)
    freeze: bool | None = None
    speed: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.advance is None and self.freeze is None and self.speed is None:
            raise ValueError("give advance (seconds), freeze (true or false) or speed")
        return self


class SetJournal(Spec):
    """How many requests the journal keeps; null keeps all."""

    cap: int | None = Field(ge=1)


class Reset(Spec):
    """Begin anew, with the same scenario or another."""

    scenario: str | None = None


class AddApp(AppSpec):
    """An app to be registered."""

    tenant: str | None = None


class EditApp(Spec):
    """A change to an app; certificates are PEM texts."""

    roles: list[str] | None = None
    disabled: bool | None = None
    certificates: list[str] | None = None


class EditSecret(Spec):
    """When a secret expires, in seconds from now."""

    expires_in_seconds: float | None
