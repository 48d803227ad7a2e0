"""/api/v1/actions: what the steps of playbooks can do."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from ringfence.actions import Action as Declared
from ringfence.actions import Effect
from ringfence.actions.catalogue import discover
from ringfence.api.access import Author, OrganizationId
from ringfence.api.listing import Listing, Paged
from ringfence.deeds import Act
from ringfence.errors import NotFound
from ringfence.organizations import service as organizations
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database


class Action(BaseModel):
    """One action; `inputs` is the JSON Schema of what it takes, `permissions` what the account needs for it."""

    id: str
    title: str
    connector: str
    noun: str
    description: str
    effect: Effect
    operations: list[str] = Field(description="What it calls of Microsoft.")
    permissions: list[str]
    undo: str | None = Field(description="The action that takes it back.")
    outcomes: list[str]
    branches: str | None = Field(description="The parameter whose names are outcomes too.")
    repeatable: bool = Field(description="Whether it is done again by itself where its end is not known.")
    inputs: dict[str, Any]
    gives: JsonValue = Field(
        description="The shape of its output: names with `text`, `number`, `boolean` or `any`; null where it depends on the step."
    )


class ActionWithExample(Action):
    """One action with a step of a playbook as an example, in YAML."""

    example: str


class Deed(BaseModel):
    """An action to be carried out by hand; `account` is a name, needed where it is not clear which is meant."""

    model_config = ConfigDict(extra="forbid")

    account: Annotated[str, Field(max_length=200)] | None = None
    with_: dict[str, JsonValue] = Field({}, alias="with", max_length=200, description="Its inputs, by name.")


class GoingOn(BaseModel):
    """What an action has asked for that goes on by itself.

    `kind` is `containment` (/containments/ID), `response` (/responses/ID), or `id`: a machine action of Defender.
    """

    model_config = ConfigDict(from_attributes=True)

    kind: str
    id: str


class Said(BaseModel):
    """A line that an action wrote."""

    level: str
    message: str


class GivenFile(BaseModel):
    """A file that an action gave; `size` is in bytes, `content` is base64."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    size: int
    sha256: str
    content: str


class Done(BaseModel):
    """How far an action came: `outcome` is null, and the status 202, while what it asked for goes on."""

    action: str
    account: str | None
    outcome: str | None
    output: JsonValue
    going_on: GoingOn | None
    log: list[Said]
    files: list[GivenFile]


def routes(database: Database, act: Act) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/actions", tags=["actions"], dependencies=[needs(Permission.PLAYBOOK_READ)])

    @router.get("")
    async def listing(
        _: OrganizationId,
        paging: Paged,
        connector: Annotated[str | None, Query(max_length=100, description="Only those of this connector.")] = None,
        effect: Effect | None = None,
        text: Annotated[str, Query(max_length=200)] = "",
    ) -> Listing[Action]:
        """List the actions that playbooks may use. Those of other packages, where they are installed, are among them."""
        found = [
            each
            for each in discover().actions()
            if connector in (None, each.connector.id)
            and effect in (None, each.effect)
            and text.casefold() in f"{each.id} {each.title} {each.summary}".casefold()
        ]
        return paging.of(found, _action, key=lambda each: (each.id,))

    @router.get("/{action_id}")
    async def one(_: OrganizationId, action_id: str) -> ActionWithExample:
        """Show one action with an example. Its inputs are a JSON Schema."""
        found = next((each for each in discover().actions() if each.id == action_id), None)
        if found is None:
            raise NotFound("There is no such action.", advice="Look at the list of actions.")
        return ActionWithExample.model_validate(found.to_json() | {"example": found.example})

    @router.post(
        "/{action_id}/run",
        dependencies=[needs(Permission.RUN_START)],
        responses={202: {"model": Done, "description": "It goes on by itself."}},
    )
    async def run(author: Author, action_id: str, wanted: Deed, response: Response) -> Done:
        """Carry out one action by hand. What it waits for is not waited for: follow it by its id.

        What changes something is open to those who may publish a playbook that does it; hosts are cut off as policy decides.
        Send an `Idempotency-Key`, so that nothing is done twice where an answer is lost.
        """
        organization = await database.read(lambda tx: organizations.get(tx, author.organization_id))
        found = await act(organization, action_id, wanted.with_, account=wanted.account, by=author.name)
        response.status_code = 202 if found.outcome is None else 200
        return Done(
            action=found.action,
            account=found.account,
            outcome=found.outcome,
            output=found.output,
            going_on=None if found.going_on is None else GoingOn.model_validate(found.going_on),
            log=[Said(level=level, message=message) for level, message in found.said],
            files=[GivenFile.model_validate(each) for each in found.files],
        )

    return router


def _action(found: Declared) -> Action:
    return Action.model_validate(found.to_json())
