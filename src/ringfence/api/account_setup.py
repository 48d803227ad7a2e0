"""/api/v1/account-features, account-setup and sign-in-errors: how to register the application, and what sign-ins say."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from ringfence.accounts.entering import blank
from ringfence.accounts.model import USUAL
from ringfence.accounts.permissions import FEATURES
from ringfence.accounts.permissions import needs as needed_for
from ringfence.accounts.registration import addresses, manifest, script, steps, unverified
from ringfence.api.access import OrganizationId
from ringfence.api.account_documents import Permission as NeededPermission
from ringfence.api.account_documents import permissions
from ringfence.api.accounts import Connect
from ringfence.api.listing import Listing, Paged
from ringfence.defender import CLOUDS, explain
from ringfence.errors import Invalid, NotFound
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database


class Feature(BaseModel):
    """Something that an account can be used for; one that is `always` there cannot be left out."""

    id: str
    title: str
    about: str
    always: bool
    permissions: list[str]


class Step(BaseModel):
    """One step of registering the application by hand."""

    model_config = ConfigDict(from_attributes=True)

    title: str
    sentences: tuple[str, ...]


class CloudAddress(BaseModel):
    """An address that is used in the cloud, and whether a page of Microsoft names it."""

    model_config = ConfigDict(from_attributes=True)

    title: str
    address: str
    documented: bool


class Setup(BaseModel):
    """How to register an application; `unverified` says what of it could not be compared with a page of Microsoft."""

    permissions: list[NeededPermission]
    steps: list[Step]
    script: str
    manifest: str
    addresses: list[CloudAddress]
    unverified: list[str]


class SignInError(BaseModel):
    """What the AADSTS number of a refused sign-in means, what to do, and where that is from."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    meaning: str
    advice: str
    source: str
    lookup: str


def routes(database: Database, connect: Connect) -> APIRouter:
    """Return the routes of these nouns."""
    router = APIRouter(tags=["accounts"], dependencies=[needs(Permission.ACCOUNT_READ)])

    @router.get("/account-features")
    async def features(paging: Paged) -> Listing[Feature]:
        """List what an account can be used for, and the least permissions that each takes."""
        # In the order of the page: what is always needed comes first.
        found = [
            Feature(
                id=each.id,
                title=each.title,
                about=each.about,
                always=each.always,
                permissions=[role for _, role in each.roles],
            )
            for each in FEATURES.values()
        ]
        return paging.of(enumerate(found), lambda each: each[1], key=lambda each: (each[0],))

    @router.get("/account-setup")
    async def setup(
        organization_id: OrganizationId,
        feature: Annotated[list[str] | None, Query(max_length=50, description="What the account is for.")] = None,
        cloud: Annotated[str, Query(max_length=30, description="The tenant's cloud.")] = "commercial",
        name: Annotated[str, Query(max_length=100, description="What the application is called.")] = "Ringfence",
    ) -> Setup:
        """Say how to register the application: steps, a script for the Azure CLI, and what its manifest says.

        They ask for the permissions that the features, and the organization's playbooks, need.
        """
        if cloud not in CLOUDS:
            raise Invalid(f"There is no cloud {cloud!r}.", advice=f"Choose one of {', '.join(CLOUDS)}.")
        async with connect() as accounts:
            wishes = accounts.wishes
        draft = blank(organization_id, name)
        needed = needed_for(
            feature if feature is not None else USUAL, await database.read(lambda tx: wishes(tx, draft))
        )
        return Setup(
            permissions=permissions(needed),
            steps=[Step.model_validate(each) for each in steps(cloud, needed)],
            script=script(cloud, name, needed),
            manifest=manifest(needed),
            addresses=[CloudAddress.model_validate(each) for each in addresses(cloud)],
            unverified=list(unverified(cloud)),
        )

    @router.get("/sign-in-errors/{number}")
    async def sign_in_error(number: int) -> SignInError:
        """Say what the AADSTS number of a refused sign-in means, and what to do."""
        found = explain(number)
        if found is None:
            raise NotFound(
                f"Nothing is known of AADSTS{number}.", advice="Look it up at https://login.microsoftonline.com/error."
            )
        return SignInError.model_validate(found)

    return router
