"""/api/v1/notification-rules: who is told of what and when, and what a rule would have sent."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from ringfence.api.access import Author, OrganizationId
from ringfence.api.editing import IfMatch, edition, mark
from ringfence.api.listing import Listing, Paged
from ringfence.clock import iso
from ringfence.notifications import outbox, routing, rulebook
from ringfence.notifications.rulebook import Line
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database

Name = Annotated[str, Field(max_length=200)]
Names = Annotated[list[Name], Field(max_length=100)]


class Recipients(BaseModel):
    """Whom a rule tells: names of channels, people and teams, and mail addresses."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    channels: Names = []
    people: Names = []
    teams: Names = []
    addresses: Annotated[Names, Field(description="Written to by the server of the first mail channel.")] = []


class NewRule(BaseModel):
    """A rule: empty `events` and `device_groups` mean all, `severity` is the least."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    who: Recipients
    events: Names = []
    severity: Annotated[Name, Field(description="Informational, Low, Medium or High; empty for any.")] = ""
    device_groups: Names = []
    quiet: Annotated[
        Name, Field(description="Hours in which only what is urgent is sent: 22:00-06:00 Europe/Berlin.")
    ] = ""
    escalate_after: Annotated[
        float | None, Field(description="Seconds after which others are told where nobody has taken it over.")
    ] = None
    escalate_to: Recipients = Recipients()
    enabled: bool = True

    def rule(self, rule_id: str = "") -> routing.Rule:
        """Return it as the rules know it."""
        return routing.Rule(
            self.name,
            _who(self.who),
            tuple(self.events),
            self.severity,
            tuple(self.device_groups),
            self.quiet,
            self.escalate_after,
            _who(self.escalate_to),
            self.enabled,
            rule_id,
        )


class Rule(NewRule):
    """A rule that is kept."""

    model_config = ConfigDict(from_attributes=True)

    id: str


class Sent(BaseModel):
    """Where a notice would have gone, and when; `escalated` where nobody had taken it over by then."""

    model_config = ConfigDict(from_attributes=True)

    to: str
    due_at: AwareDatetime
    escalated: bool


class Previewed(BaseModel):
    """One notice of the last seven days, and where the rule would have sent it."""

    model_config = ConfigDict(from_attributes=True)

    at: AwareDatetime
    event: str
    title: str
    path: str
    deliveries: list[Sent]


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    manages = [needs(Permission.NOTIFICATION_MANAGE)]
    router = APIRouter(tags=["notification-rules"], dependencies=[needs(Permission.NOTIFICATION_READ)])

    @router.get("/notification-rules")
    async def listing(organization_id: OrganizationId, paging: Paged) -> Listing[Rule]:
        """List the rules of who is told of what. The channels' own lists count beside them."""
        found = await database.read(lambda tx: rulebook.every(tx, organization_id))
        return paging.of(found, Rule.model_validate, key=lambda each: (each.name, each.id))

    @router.post("/notification-rules", status_code=201, dependencies=manages)
    async def make(author: Author, new: NewRule) -> Rule:
        """Make a rule of who is told of what. It counts for what happens from then on."""
        made = await database.run(lambda tx: rulebook.put(tx, author.organization_id, new.rule(), by=author.name))
        return Rule.model_validate(made)

    @router.post("/notification-rules/preview")
    async def preview(organization_id: OrganizationId, new: NewRule, paging: Paged) -> Listing[Previewed]:
        """Say what a rule would have sent in the last seven days, the newest first. Nothing is kept or sent."""
        found = await database.read(lambda tx: rulebook.preview(tx, organization_id, new.rule()))
        return paging.of(found, _line, key=lambda each: (iso(each.at), each.path, each.title), newest_first=True)

    def shown(found: routing.Rule, response: Response) -> Rule:
        mark(response, rulebook.edition(found))
        return Rule.model_validate(found)

    @router.get("/notification-rules/{rule_id}")
    async def one(organization_id: OrganizationId, rule_id: str, response: Response) -> Rule:
        """Show one rule, by its id or name. Its ETag is wanted for changing it."""
        return shown(await database.read(lambda tx: rulebook.by_name(tx, organization_id, rule_id)), response)

    @router.put("/notification-rules/{rule_id}", dependencies=manages)
    async def change(author: Author, rule_id: str, new: NewRule, response: Response, if_match: IfMatch = None) -> Rule:
        """Change a rule as a whole. Send the ETag that was read as If-Match; what it has put on its way already goes on."""
        seen = edition(if_match)
        made = await database.run(
            lambda tx: rulebook.put(tx, author.organization_id, new.rule(rule_id), by=author.name, seen=seen)
        )
        return shown(made, response)

    @router.delete("/notification-rules/{rule_id}", status_code=204, dependencies=manages)
    async def remove(author: Author, rule_id: str) -> None:
        """Remove a rule. What it has put on its way already goes on."""
        await database.run(lambda tx: rulebook.remove(tx, author.organization_id, rule_id, by=author.name))

    @router.post("/notifications/{notice_id}/take", status_code=204, dependencies=[needs(Permission.INCIDENT_WORK)])
    async def take(author: Author, notice_id: str) -> None:
        """Take a notice over. Nobody is reminded of it, and nobody else is called."""
        await database.run(lambda tx: outbox.take(tx, author.organization_id, notice_id, by=author.name))

    return router


def _who(recipients: Recipients) -> routing.Who:
    return routing.Who(**{name: tuple(names) for name, names in recipients.model_dump().items()})


def _line(line: Line) -> Previewed:
    return Previewed.model_validate(line)
