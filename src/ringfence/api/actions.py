"""/api/v1/actions: what the steps of playbooks can do."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from ringfence.actions import Action as Declared
from ringfence.actions import Effect
from ringfence.actions.catalogue import discover
from ringfence.api.access import OrganizationId
from ringfence.api.listing import Listing, Paged
from ringfence.errors import NotFound
from ringfence.security.access import needs
from ringfence.security.rbac import Permission


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


class ActionWithExample(Action):
    """One action with a step of a playbook as an example, in YAML."""

    example: str


def routes() -> APIRouter:
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

    return router


def _action(found: Declared) -> Action:
    return Action.model_validate(found.to_json())
