"""/api/v1/language: what editors need to know of the playbook language."""

from functools import cache
from typing import Any

from fastapi import APIRouter

from ringfence.actions.catalogue import discover
from ringfence.api.access import OrganizationId
from ringfence.playbooks.schema import language
from ringfence.security.access import needs
from ringfence.security.rbac import Permission


def routes() -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/language", tags=["language"], dependencies=[needs(Permission.PLAYBOOK_READ)])
    made = cache(lambda: language(discover().actions()))

    @router.get("/schema")
    async def schema(_: OrganizationId) -> dict[str, Any]:
        """Give the JSON Schema (2020-12) of playbooks, components and workflows, with the actions that are installed.

        Editors complete and check with it.
        """
        return made()

    return router
