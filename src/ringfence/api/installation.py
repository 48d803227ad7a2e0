"""/api/v1/installation: whether the installation is well."""

import asyncio
from collections.abc import Callable

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from ringfence.diagnosis import doctor
from ringfence.diagnosis.model import Level
from ringfence.security.access import needs
from ringfence.security.crypto import Vault
from ringfence.security.rbac import Permission
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.storage.scope import everywhere


class Finding(BaseModel):
    """What one check found."""

    model_config = ConfigDict(from_attributes=True)

    check: str = Field(description="What was looked at.")
    level: Level
    said: str = Field(description="What was found.")
    advice: str = Field(description="What to do; empty where all is well.")


class Health(BaseModel):
    """All findings, and the worst level of them."""

    level: Level
    findings: list[Finding]


def routes(database: Database, settings: Settings, vault: Callable[[], Vault]) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/installation", tags=["installation"], dependencies=[needs(Permission.SYSTEM_MANAGE)])

    @router.get("")
    async def examined() -> Health:
        """Check the installation, without asking anybody on the network. The same as `ringfence doctor --offline`."""
        with everywhere():
            report = await asyncio.to_thread(doctor.examine, settings, database, vault)
        return Health(level=report.worst, findings=[Finding.model_validate(each) for each in report.findings])

    return router
