"""/accounts/ID/credentials: put a second credential beside the one in use, prove it, switch to it, remove the other."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.accounts import certificates, credentials, records
from ringfence.accounts.certificates import Certificate
from ringfence.accounts.credentials import Beside
from ringfence.accounts.model import Account
from ringfence.accounts.service import NotProven
from ringfence.errors import Invalid, RingfenceError
from ringfence.security.access import needs
from ringfence.security.proof import PROVEN
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction
from ringfence.web.account_wizard import Secret, Text, attachment, day, uploaded_certificate
from ringfence.web.accounts import days_left
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.ACCOUNT_MANAGE)])
    database = services.database

    async def show(
        request: Request, session: SignedIn, account_id: str, problem: RingfenceError | None = None
    ) -> Response:
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[Account, Beside | None]:
            account = records.by_id(tx, account_id, organization_id=organization)
            return account, credentials.beside(tx, account_id)

        account, beside = await database.read(look)
        checks = problem.report.checks if isinstance(problem, NotProven) else ()
        context = {"account": account, "beside": beside, "problem": problem, "checks": checks, "days_left": days_left}
        status = problem.status if problem is not None else 200
        return pages.render(request, "accounts/credentials.html", context, status=status)

    async def find(session: SignedIn, account_id: str) -> Account:
        organization = session.user.organization_id
        return await database.read(lambda tx: records.by_id(tx, account_id, organization_id=organization))

    @router.get("/accounts/{account_id}/credentials")
    async def look(request: Request, session: SignedIn, account_id: str) -> Response:
        return await show(request, session, account_id)

    @router.get("/accounts/{account_id}/certificate")
    async def download(session: SignedIn, account_id: str) -> Response:
        account = await find(session, account_id)
        async with services.accounts() as accounts:
            return attachment(await accounts.public_part(account.organization_id, account.name))

    @router.post("/accounts/{account_id}/credentials", dependencies=[PROVEN])
    async def change(
        request: Request,
        session: SignedIn,
        account_id: str,
        secret: Secret = "",
        file: UploadFile | None = None,
        key: UploadFile | None = None,
        password: Secret = "",
        expires_on: Text = "",
        do: Annotated[Literal["add", "generate", "prove", "switch", "remove"], Form()] = "add",
    ) -> Response:
        account = await find(session, account_id)
        organization, name, by = account.organization_id, account.name, session.user.name
        try:
            async with services.accounts() as accounts:
                match do:
                    case "add":
                        given = _given(await uploaded_certificate(file, key, password), secret)
                        await accounts.offer(organization, name, given, by=by, expires_on=day(expires_on))
                    case "generate":
                        await accounts.offer(organization, name, certificates.generate(name), by=by)
                    case "prove":
                        report = await accounts.prove_beside(organization, name)
                        if not report.usable:
                            raise NotProven(report)
                    case "switch":
                        await accounts.switch(organization, name)
                        return RedirectResponse(f"/accounts/{account_id}", 303)
                    case "remove":
                        await accounts.withdraw(organization, name)
        except RingfenceError as problem:
            return await show(request, session, account_id, problem)
        return RedirectResponse(f"/accounts/{account_id}/credentials", 303)

    return router


def _given(certificate: Certificate | None, secret: str) -> Certificate | str:
    if certificate is None and not secret.strip():
        raise Invalid("Neither a secret nor a certificate was given.", advice="Enter one, or have a certificate made.")
    return certificate or secret
