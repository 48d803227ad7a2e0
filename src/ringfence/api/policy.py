"""/api/v1/policy: what may be contained, layer by layer and version by version, and what stops it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from ringfence.api.access import Author, OrganizationId
from ringfence.api.editing import IfMatch
from ringfence.api.editing import seen as seen_version
from ringfence.api.listing import Listing, Paged
from ringfence.clock import iso
from ringfence.containment import brakes, policies
from ringfence.containment.layers import differences
from ringfence.deeds import Explain
from ringfence.errors import Invalid
from ringfence.playbooks.durations import Duration
from ringfence.security.access import needs
from ringfence.security.proof import PROVEN
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction
from ringfence.storage.scope import everywhere as all_rows


class Line(BaseModel):
    """One line of the policy that counts; `origins` are the layers that it comes from."""

    model_config = ConfigDict(from_attributes=True)

    field: str
    value: Any
    origins: tuple[str, ...]


class Stop(BaseModel):
    """A kill switch that is on."""

    scope: str
    by: str
    at: AwareDatetime
    note: str


class Brake(BaseModel):
    """One time that a limit was reached, and how many containments it refused."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    limit: str
    subject: str = Field(description="Of which playbook or device group; empty where the limit is for all.")
    detail: str
    containment_id: str | None = Field(description="The first that it refused.")
    tripped_at: AwareDatetime
    refused: int
    refused_at: AwareDatetime
    holds: bool
    opens_at: AwareDatetime | None = Field(description="When it is over by itself; null where only a person ends it.")
    ended_at: AwareDatetime | None
    ended_by: str | None
    ended_why: str | None


class Lift(BaseModel):
    """That a person lets containments go on in spite of the limits."""

    model_config = ConfigDict(from_attributes=True)

    lifted_at: AwareDatetime
    until: AwareDatetime
    more: int | None
    left: int | None
    by: str
    reason: str


class Effective(BaseModel):
    """The policy that counts, line by line, and what stops containing now."""

    version: str
    group: str | None
    lines: list[Line]
    overruled: tuple[str, ...] = Field(description="What a lower layer said in vain, as sentences.")
    stops: list[Stop]
    brakes: list[Brake]
    lifted: Lift | None
    groups: list[str] = Field(description="Device groups with a layer of their own.")


class Layer(BaseModel):
    """One version of one layer; version 0 is the empty one before anybody wrote."""

    scope: str
    version: int
    document: dict[str, Any]
    note: str
    made_by: str
    made_at: AwareDatetime | None


class Difference(BaseModel):
    """One field in which two versions differ; null where one says nothing about it."""

    model_config = ConfigDict(from_attributes=True)

    field: str
    before: Any
    after: Any
    added: tuple[Any, ...]
    removed: tuple[Any, ...]


class Diff(BaseModel):
    """In which fields two versions of a layer differ."""

    before: int
    after: int
    changed: list[Difference]


class Change(BaseModel):
    """The whole layer as it shall be."""

    model_config = ConfigDict(extra="forbid")

    document: dict[str, Any]
    note: str = Field("", max_length=500)


class Reason(BaseModel):
    """Why the kill switch is turned."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(max_length=500)
    everywhere: bool = Field(False, description="For every organization of this installation.")


class Wish(BaseModel):
    """For how long the limits shall not count, and for how many containments."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(max_length=500)
    duration: str = Field("1 h", max_length=40, description="Such as `30 min`.")
    more: int | None = Field(None, ge=1, description="So many more at most; null for any number.")


class Explanation(BaseModel):
    """The verdict that would be given now, with every reason and fact."""

    model_config = ConfigDict(from_attributes=True)

    target: str
    machine_id: str | None = Field(description="Null where it is not certain which host is meant.")
    machine_name: str | None
    device_group: str | None
    outcome: str
    reasons: tuple[str, ...]
    facts: dict[str, Any]
    candidates: tuple[str, ...]
    approvers: tuple[str, ...] = Field(description="Who would be asked; with none, everybody who may contain.")
    needed: int = Field(description="How many must say yes; 0 where nobody is asked.")
    policy_version: str
    overruled: tuple[str, ...]
    held_by: str | None = Field(description="The containment that has the host already.")
    at: AwareDatetime


_SCOPE = Query(max_length=220, description="`provider`, `organization`, or `group:NAME`.")
Where = Annotated[str, _SCOPE]


def routes(database: Database, explain: Explain) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/policy", tags=["policy"], dependencies=[needs(Permission.POLICY_READ)])

    @router.get("")
    async def effective(
        organization_id: OrganizationId, group: Annotated[str | None, Query(max_length=200)] = None
    ) -> Effective:
        """Show the policy that counts, line by line, and what stops containing now.

        Each line names the layers that it comes from.
        """
        return await database.read(lambda tx: _effective(tx, organization_id, group))

    @router.get("/explain")
    async def explained(
        organization_id: OrganizationId,
        machine: Annotated[str, Query(max_length=300, description="Machine id, whole DNS name or IP address.")],
        account: Annotated[str | None, Query(max_length=200)] = None,
        asker: Annotated[Literal["playbook", "person"], Query(alias="as")] = "playbook",
        playbook: Annotated[str | None, Query(max_length=200)] = None,
        alert: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Explanation:
        """Say whether a host would be contained now, and why.

        Defender is asked about the host; nothing is changed.
        """
        found = await explain(
            organization_id=organization_id,
            target=machine,
            account=account,
            by_person=asker == "person",
            playbook=playbook,
            alert=alert,
        )
        return Explanation.model_validate(found)

    @router.get("/history")
    async def history(organization_id: OrganizationId, paging: Paged, scope: Where = "organization") -> Listing[Layer]:
        """List the versions of a layer of policy. The newest comes first."""
        where = policies.scope(scope, organization_id)
        kept = await database.read(lambda tx: policies.history(tx, where))
        return paging.of(kept, _layer, key=lambda each: (each.version,), newest_first=True)

    @router.get("/diff")
    async def diff(
        organization_id: OrganizationId,
        scope: Where = "organization",
        before: Annotated[int | None, Query(ge=0)] = None,
        after: Annotated[int | None, Query(ge=0)] = None,
    ) -> Diff:
        """Say in which fields two versions of a layer differ. Without numbers, the newest and the one before."""
        where = policies.scope(scope, organization_id)

        def look(tx: Transaction) -> tuple[policies.Version, policies.Version]:
            later = policies.newest(tx, where) if after is None else policies.version(tx, where, after)
            return policies.version(tx, where, max(later.version - 1, 0) if before is None else before), later

        earlier, later = await database.read(look)
        changed = [Difference.model_validate(each) for each in differences(earlier.document, later.document)]
        return Diff(before=earlier.version, after=later.version, changed=changed)

    @router.get("/layers/{scope:path}")
    async def layer(
        organization_id: OrganizationId,
        scope: str,
        response: Response,
        version: Annotated[int | None, Query(ge=0)] = None,
    ) -> Layer:
        """Show one layer of policy. Its ETag is the number of its version."""
        where = policies.scope(scope, organization_id)
        found = await database.read(
            lambda tx: policies.newest(tx, where) if version is None else policies.version(tx, where, version)
        )
        response.headers["ETag"] = f'"{found.version}"'
        return _layer(found)

    @router.put("/layers/{scope:path}", dependencies=[needs(Permission.POLICY_CHANGE)])
    async def write(
        author: Author,
        scope: str,
        body: Change,
        response: Response,
        if_match: IfMatch = None,
    ) -> Layer:
        """Write a whole layer of policy. Send the ETag that was read as If-Match."""
        where = policies.scope(scope, author.organization_id)
        seen = seen_version(if_match)

        def work(tx: Transaction) -> policies.Version:
            policies.demand_own(where)
            return policies.write(tx, where, body.document, expected_version=seen, by=author.name, note=body.note)

        with all_rows(only_if=where.organization_id is None):
            made = await database.run(work)
        response.headers["ETag"] = f'"{made.version}"'
        return _layer(made)

    async def switch(author: Author, body: Reason, *, on: bool) -> Layer:
        where = policies.PROVIDER if body.everywhere else policies.Scope(author.organization_id)

        def work(tx: Transaction) -> policies.Version:
            policies.demand_own(where)
            return policies.freeze(tx, where, on=on, by=author.name, reason=body.reason)

        with all_rows(only_if=where.organization_id is None):
            return _layer(await database.run(work))

    @router.post("/freeze", dependencies=[needs(Permission.POLICY_STOP)])
    async def freeze(author: Author, body: Reason) -> Layer:
        """Turn the kill switch on: nothing more is contained. Releases go on."""
        return await switch(author, body, on=True)

    @router.post("/unfreeze", dependencies=[needs(Permission.POLICY_STOP), PROVEN])
    async def unfreeze(author: Author, body: Reason) -> Layer:
        """Turn the kill switch off. What policy allows is contained again."""
        return await switch(author, body, on=False)

    @router.get("/brakes")
    async def tripped(organization_id: OrganizationId, paging: Paged) -> Listing[Brake]:
        """List the limits that were reached. Those that still hold come with those that are over."""
        found = await database.read(lambda tx: brakes.listed(tx, organization_id))
        return paging.of(
            found, Brake.model_validate, key=lambda each: (iso(each.tripped_at), each.id), newest_first=True
        )

    @router.post("/brakes/lift", dependencies=[needs(Permission.POLICY_STOP), PROVEN])
    async def lift(author: Author, body: Wish) -> Lift:
        """Let containments go on in spite of the limits. For a while, and for so many at most."""
        try:
            seconds = Duration.parse(body.duration).seconds
        except ValueError as error:
            raise Invalid("The duration cannot be used.", problems=(f"duration: {error}",)) from None
        lifted = await database.run(
            lambda tx: brakes.lift(
                tx, author.organization_id, seconds=seconds, by=author.name, reason=body.reason, more=body.more
            )
        )
        return Lift.model_validate(lifted)

    return router


def _effective(tx: Transaction, organization_id: str, group: str | None) -> Effective:
    stands = policies.standing(tx, organization_id, group)
    lifted = brakes.lifted(tx, organization_id)
    return Effective(
        version=stands.version,
        group=group,
        lines=[Line.model_validate(each) for each in stands.effective.lines],
        overruled=stands.effective.overruled,
        stops=[
            Stop(scope=each.scope.name, by=each.by, at=each.at, note=each.note)
            for each in policies.stops(tx, organization_id)
        ],
        brakes=[Brake.model_validate(each) for each in brakes.holding(tx, organization_id)],
        lifted=Lift.model_validate(lifted) if lifted is not None else None,
        groups=policies.groups(tx, organization_id),
    )


def _layer(found: policies.Version) -> Layer:
    return Layer(
        scope=found.scope.name,
        version=found.version,
        document=dict(found.document),
        note=found.note,
        made_by=found.made_by,
        made_at=found.made_at,
    )
