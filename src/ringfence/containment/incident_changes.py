"""What is changed of incidents in one go: owner, severity, status, a note, and how they ended."""

from dataclasses import dataclass

from ringfence.containment import incident_hosts
from ringfence.errors import Invalid
from ringfence.incidents import service, work
from ringfence.incidents.model import Author, resolution
from ringfence.storage import Transaction


@dataclass(frozen=True, slots=True)
class Changes:
    """What to change of each; what is empty stays. `hosts` says what becomes of those that a resolved incident holds."""

    owner: str = ""
    severity: str = ""
    status: str = ""
    comment: str = ""
    resolution: str = ""
    reason: str = ""
    hosts: incident_hosts.What | None = None

    def values(self) -> dict[str, str]:
        """Return what is said, by its name; Invalid if that changes nothing, or cannot be."""
        said = {name: text for name in self.__slots__ if (text := (getattr(self, name) or "").strip())}
        if not said.keys() - {"reason", "hosts"}:
            raise Invalid(
                "Nothing was said to change.", advice="Give an owner, a severity, a status, a note, or how it ended."
            )
        if self.resolution.strip():
            resolution(self.resolution)
            if not self.reason.strip():
                raise Invalid("Incidents are resolved with a reason.", advice="Say in a few words how they ended.")
        return said


def carry_out(tx: Transaction, organization_id: str, number: int, by: Author, wanted: Changes) -> None:
    """Change one incident, all of it or nothing."""
    said = wanted.values()
    given = {name: said[name] for name in ("owner", "severity", "status") if name in said}
    if given:
        service.update(tx, organization_id, number, by, **given)
    if "comment" in said:
        work.note(tx, organization_id, number, wanted.comment, by)
    if "resolution" in said:
        how = resolution(wanted.resolution)
        incident_hosts.close(tx, organization_id, number, by, resolution=how, reason=wanted.reason, hosts=wanted.hosts)
