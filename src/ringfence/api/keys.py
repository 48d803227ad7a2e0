"""/api/v1/keys: the keys that seal secrets and sign the audit log, and their rotation; never a key itself."""

import asyncio
from collections.abc import Callable

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.api.access import Author
from ringfence.security import key_care
from ringfence.security.access import Asker, needs
from ringfence.security.crypto import Vault
from ringfence.security.proof import PROVEN
from ringfence.security.rbac import Permission
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.storage.scope import everywhere


class DataKey(BaseModel):
    """A key that seals, or has sealed, an organization's secrets."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    organization_id: str
    organization: str
    active: bool
    created_at: AwareDatetime
    secrets: int
    masters: tuple[str, ...] = Field(description="The master keys that unwrap it.")


class MasterKey(BaseModel):
    """A master key."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    newest: bool
    at_hand: bool = Field(description="Whether the source has it.")
    keys: int = Field(description="How many keys it unwraps.")


class SigningKeys(BaseModel):
    """The key that signs heads of the audit log, and those that did before."""

    model_config = ConfigDict(from_attributes=True)

    key: str
    since: AwareDatetime
    older: tuple[str, ...]


class Keys(BaseModel):
    """The keys that who asks may see; a rotation is done when all secrets are sealed by the newest keys."""

    model_config = ConfigDict(from_attributes=True)

    source: str = Field(description="Where the master key comes from.")
    masters: tuple[MasterKey, ...]
    keys: tuple[DataKey, ...]
    secrets: int
    sealed: int = Field(description="How many secrets are sealed by the newest keys.")
    to_wrap: int = Field(description="How many keys the newest master key does not unwrap yet.")
    signing: SigningKeys


def routes(database: Database, settings: Settings, vault: Callable[[], Vault]) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/keys", tags=["keys"], dependencies=[needs(Permission.KEY_MANAGE)])

    async def shown(asker: Asker) -> Keys:
        with everywhere():
            found = await asyncio.to_thread(key_care.look, database, vault(), settings.data, asker)
        return Keys.model_validate(found)

    async def act(asker: Asker, work: Callable[[], object]) -> Keys:
        with everywhere():
            await asyncio.to_thread(work)
        return await shown(asker)

    @router.get("")
    async def listing(asker: Asker) -> Keys:
        """List the keys of the organization. Who looks after the installation sees those of all."""
        return await shown(asker)

    @router.post("/rotate", dependencies=[PROVEN])
    async def rotate(_: Author, asker: Asker) -> Keys:
        """Give the organization a new key, or go on with that.

        Ask again while `sealed` is less than `secrets`.
        """
        return await act(asker, lambda: key_care.rotate_organization(database, vault(), asker))

    @router.post("/rotate-master", dependencies=[needs(Permission.SYSTEM_MANAGE), PROVEN])
    async def rotate_master(_: Author, asker: Asker) -> Keys:
        """Wrap all keys under the newest master key. It is made here where it is kept in a file."""
        return await act(asker, lambda: key_care.rotate_master(database, vault(), asker))

    @router.post("/rotate-audit", dependencies=[needs(Permission.SYSTEM_MANAGE), PROVEN])
    async def rotate_audit(_: Author, asker: Asker) -> Keys:
        """Sign heads of the audit log by a new key. What the old one signed stays provable."""
        return await act(asker, lambda: key_care.rotate_audit(database, settings.data, asker))

    @router.post("/{key_id}/retire", dependencies=[PROVEN])
    async def retire(_: Author, asker: Asker, key_id: str) -> Keys:
        """Forget a key that nothing needs any more. It is refused while a secret or another key does."""
        return await act(asker, lambda: key_care.retire(database, vault(), asker, key_id))

    return router
