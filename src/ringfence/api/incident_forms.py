"""/api/v1/incidents/{number}/tasks/{task}: what people fill in for a run that waits."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from ringfence.api.access import Author
from ringfence.api.incidents import Task
from ringfence.incidents import asking, forms, model
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database


class Filled(BaseModel):
    """What was filled in, by field; what is left out is null, and dates are written as 2026-03-02."""

    model_config = ConfigDict(extra="forbid")

    form: dict[str, JsonValue] = Field(max_length=forms.MOST_FIELDS)


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/incidents", tags=["incidents"], dependencies=[needs(Permission.INCIDENT_WORK)])

    @router.post("/{number}/tasks/{task}/fill")
    async def fill(author: Author, number: int, task: int, asked: Filled) -> Task:
        """Fill in a form that a run waits for.

        What does not fit the form's fields is named, and the run goes on once it fits.
        """
        by = model.Author(author.name)
        found = await database.run(
            lambda tx: asking.fill(tx, author.organization_id, number, task, asked.form, by),
        )
        return Task.model_validate(found)

    @router.post("/{number}/tasks/{task}/cancel")
    async def cancel(author: Author, number: int, task: int) -> Task:
        """Cancel a form that a run waits for. The run goes on by its outcome `cancelled`."""
        by = model.Author(author.name)
        found = await database.run(lambda tx: asking.cancel(tx, author.organization_id, number, task, by))
        return Task.model_validate(found)

    return router
