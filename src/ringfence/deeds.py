"""What pages and API ask of the composition root: each is one thing that a person wants done, as a function."""

from collections.abc import Mapping
from typing import Protocol

from ringfence.actions import Json
from ringfence.alerts.model import Alert
from ringfence.containment.explaining import Explanation
from ringfence.ingestion.compare import Comparison
from ringfence.ingestion.trial import Trial
from ringfence.organizations.model import Organization
from ringfence.rehearsals.desk import DryRun, Wish
from ringfence.runs.alert_changes import AlertChange
from ringfence.runs.one_action import Carried
from ringfence.services.model import Service


class Contain(Protocol):
    """Ask for a host to be contained."""

    async def __call__(
        self,
        *,
        organization_id: str,
        target: str,
        isolation_type: str,
        reason: str,
        account: str | None,
        by: str,
        auto_release: float | None,
        force: bool,
        alert: str | None,
    ) -> str:
        """Return the containment's id; `account` is a name, None where there is only one; `auto_release` is in seconds.

        `alert` is the one because of which it is asked; `force` means also if Defender has dealt with it already.
        """
        ...


class Release(Protocol):
    """Ask for a contained host to be released."""

    async def __call__(self, *, containment_id: str, reason: str, by: str) -> None:
        """Return when the request is stored; the host is free when Defender has confirmed it."""
        ...


class Explain(Protocol):
    """Say what policy says about a host now."""

    async def __call__(
        self,
        *,
        organization_id: str,
        target: str,
        account: str | None,
        by_person: bool = False,
        playbook: str | None = None,
        alert: str | None = None,
        drill: bool = False,
    ) -> Explanation:
        """Return the verdict that would be given; nothing is changed. In a `drill` the alert is in an incident by then."""
        ...


class Compare(Protocol):
    """Compare the two sources of a service's account."""

    async def __call__(self, service: Service, since: str) -> Comparison:
        """Return what differs from a moment in words on; Invalid if these mean none in the past."""
        ...


class TryService(Protocol):
    """Try a service: ask its source once."""

    async def __call__(self, service: Service) -> Trial:
        """Return what that showed, and keep nothing; it never raises for what the tenant answers."""
        ...


class Try(Protocol):
    """Say what a playbook would do now."""

    async def __call__(self, organization: Organization, wish: Wish) -> DryRun:
        """Read what it would read, and do nothing."""
        ...


class ChangeAlert(Protocol):
    """Change an alert in Defender for a person."""

    async def __call__(self, *, organization: Organization, alert_id: str, wanted: AlertChange, by: str) -> Alert:
        """Return the alert as it is in the queue until the next poll."""
        ...


class Act(Protocol):
    """Carry one action out by hand."""

    async def __call__(
        self, organization: Organization, action: str, inputs: Mapping[str, Json], *, account: str | None, by: str
    ) -> Carried:
        """Return how far it came without waiting; `account` is a name, None where there is only one or none is needed."""
        ...
