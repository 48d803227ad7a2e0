"""/accounts/new: connect a Defender tenant in three steps (Choose, Register, Connect), each a page that needs no script.

What was entered as secret, and a key that was made here, goes back into the form sealed, for whoever entered it and for an
hour: a test that fails must not cost a secret that Entra shows only once.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence import clock
from ringfence.accounts import certificates
from ringfence.accounts.certificates import Certificate
from ringfence.accounts.entering import NewAccount, blank, demand_open
from ringfence.accounts.model import USUAL
from ringfence.accounts.permissions import API_NAMES, FEATURES, chosen, needs
from ringfence.accounts.proof import Report
from ringfence.accounts.registration import addresses, manifest, portal, script, steps, unverified
from ringfence.accounts.service import NotProven
from ringfence.accounts.simulated import connected, poll_at_once
from ringfence.defender import CLOUDS
from ringfence.errors import Conflict, Invalid, RingfenceError
from ringfence.security.access import needs as permitted
from ringfence.security.crypto import Unopenable
from ringfence.security.egress import networks
from ringfence.security.proof import PROVEN
from ringfence.security.rbac import Permission
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

Text = Annotated[str, Form(max_length=300)]
Secret = Annotated[str, Form(max_length=8_000)]
Sealed = Annotated[str, Form(max_length=40_000)]
StepName = Literal["choose", "register", "connect"]
STEPS: Final[tuple[tuple[StepName, str], ...]] = (
    ("choose", "Choose"),
    ("register", "Register"),
    ("connect", "Connect"),
)
_FOR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Held:
    """A secret, or a certificate with its key, that waits in the form for the next try."""

    secret: str = field(default="", repr=False)
    certificate: Certificate | None = None


@dataclass(frozen=True, slots=True)
class Values:
    """What was entered, but for secrets."""

    cloud: str = "commercial"
    region: str = ""
    features: tuple[str, ...] = USUAL
    name: str = ""
    tenant_id: str = ""
    client_id: str = ""
    expires_on: str = ""
    login_url: str = ""
    api_url: str = ""
    graph_url: str = ""
    audience: str = ""

    @property
    def query(self) -> str:
        """What leads from step to step, as the query of an address."""
        pairs = [("cloud", self.cloud), ("region", self.region), ("name", self.name)]
        return urlencode(
            [*((key, value) for key, value in pairs if value), *(("feature", each) for each in self.features)]
        )


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[permitted(Permission.ACCOUNT_MANAGE), PROVEN])
    database, vault = services.database, services.sender.vault

    async def seal(session: SignedIn, held: Held) -> str:
        said = {"at": clock.timestamp(), "secret": held.secret}
        if held.certificate is not None:
            said["pem"] = held.certificate.pem
        text = json.dumps(said)
        user = session.user
        return await database.run(lambda tx: vault.seal(user.organization_id, _purpose(user.id), text))

    async def unseal(session: SignedIn, sealed: str) -> Held:
        if not sealed:
            return Held()
        user = session.user
        try:
            text = await database.read(lambda tx: vault.open(user.organization_id, _purpose(user.id), sealed))
        except Unopenable:
            return Held()
        said = json.loads(text)
        if not 0 <= clock.timestamp() - said["at"] < _FOR:
            return Held()
        pem = said.get("pem")
        return Held(said["secret"], certificates.read(pem.encode()) if pem else None)

    async def show(
        request: Request,
        session: SignedIn,
        step: StepName,
        values: Values,
        *,
        problem: RingfenceError | None = None,
        report: Report | None = None,
        held: Held | None = None,
    ) -> Response:
        draft = blank(session.user.organization_id, values.name.strip())
        async with services.accounts() as accounts:
            wishes = accounts.wishes
        needed = needs(values.features, await database.read(lambda tx: wishes(tx, draft)))
        name = values.name.strip() or "Ringfence"
        context = {
            "step": step,
            "steps": STEPS,
            "values": values,
            "clouds": CLOUDS,
            "regions": [name for name, _ in CLOUDS["commercial"].regional_hosts],
            "features": FEATURES,
            "needed": needed,
            "apis": API_NAMES,
            "portal": portal(values.cloud),
            "told": steps(values.cloud, needed),
            "script": script(values.cloud, name if name.isprintable() else "Ringfence", needed),
            "manifest": manifest(needed),
            "addresses": addresses(values.cloud),
            "unverified": unverified(values.cloud),
            "problem": problem,
            "problems": problem.problems if isinstance(problem, Invalid) and report is None else (),
            "report": report,
            "held": held or Held(),
            "simulated": services.simulated is not None,
            "sealed": await seal(session, held) if held and (held.secret or held.certificate) else "",
        }
        status = problem.status if problem is not None else 200
        return pages.render(request, "accounts/new.html", context, status=status)

    @router.get("/accounts/new")
    async def look(
        request: Request,
        session: SignedIn,
        step: str = "choose",
        cloud: str = "commercial",
        region: str = "",
        name: str = "",
    ) -> Response:
        wanted = [each for each in request.query_params.getlist("feature") if each in FEATURES]
        # A form that was sent without one has none ticked; an address without a form has not been asked yet.
        features = chosen(wanted) if wanted or "cloud" in request.query_params else USUAL
        known: StepName = next((each for each, _ in STEPS if each == step), "choose")
        values = Values(
            cloud=cloud if cloud in CLOUDS else "commercial",
            region=region[:40] if cloud == "commercial" else "",
            features=features,
            name=name[:100],
        )
        return await show(request, session, known, values)

    @router.post("/accounts/new")
    async def connect(
        request: Request,
        session: SignedIn,
        name: Text = "",
        cloud: Text = "commercial",
        region: Text = "",
        feature: Annotated[Sequence[str], Form()] = (),
        tenant_id: Text = "",
        client_id: Text = "",
        secret: Secret = "",
        file: UploadFile | None = None,
        key: UploadFile | None = None,
        password: Secret = "",
        sealed: Sealed = "",
        expires_on: Text = "",
        login_url: Text = "",
        api_url: Text = "",
        graph_url: Text = "",
        audience: Text = "",
        do: Annotated[Literal["test", "generate", "download", "keep"], Form()] = "test",
    ) -> Response:
        held = await unseal(session, sealed)
        values = Values(
            cloud=cloud if cloud in CLOUDS else "commercial",
            region=region,
            features=tuple(each for each in feature if each in FEATURES) or USUAL,
            name=name,
            tenant_id=tenant_id,
            client_id=client_id,
            expires_on=expires_on,
            login_url=login_url,
            api_url=api_url,
            graph_url=graph_url,
            audience=audience,
        )
        if do == "generate":
            held = Held(certificate=certificates.generate(name))
            return await show(request, session, "connect", values, held=held)
        if do == "download" and held.certificate is not None:
            return attachment(certificates.public_part(held.certificate.pem))
        try:
            uploaded = await uploaded_certificate(file, key, password)
            if uploaded is not None:
                held = Held(certificate=uploaded)
            elif secret.strip():
                held = Held(secret=secret.strip())
            new = _new(values, held)
            await demand_open(new, networks(services.settings.egress_private))
            async with services.accounts() as accounts:
                saved, _ = await accounts.add(session.user.organization_id, new, save_anyway=do == "keep")
        except NotProven as problem:
            return await show(request, session, "connect", values, problem=problem, report=problem.report, held=held)
        except RingfenceError as problem:
            return await show(request, session, "connect", values, problem=problem, held=held)
        return RedirectResponse(f"/accounts/{saved.id}", 303)

    @router.post("/accounts/simulated")
    async def pretend(request: Request, session: SignedIn) -> Response:
        organization = session.user.organization_id
        if services.simulated is None:
            raise Conflict(
                "There is no simulated tenant here: other workers could not reach it.",
                advice="Run `ringfence simulate` where all of them do, and connect it by `ringfence account add`.",
            )
        try:
            new = await services.simulated.start()
            if await database.read(lambda tx: connected(tx, organization, new)) is None:
                async with services.accounts() as accounts:
                    saved, _ = await accounts.add(organization, new)
                await database.run(lambda tx: poll_at_once(tx, saved.id))
        except RingfenceError as problem:
            report = problem.report if isinstance(problem, NotProven) else None
            return await show(request, session, "choose", Values(), problem=problem, report=report)
        return RedirectResponse("/", 303)

    return router


async def uploaded_certificate(file: UploadFile | None, key: UploadFile | None, password: str) -> Certificate | None:
    """Return the certificate that a form brings, None if it brings none; Invalid for one that cannot be used."""
    content = await file.read(certificates.LARGEST + 1) if file is not None else b""
    if not content:
        return None
    key_content = await key.read(certificates.LARGEST + 1) if key is not None else b""
    try:
        return certificates.read(content, key_content or None, password)
    except certificates.PasswordNeeded as problem:
        raise certificates.PasswordNeeded(problem.message, advice="Enter its password beside the file.") from problem


def attachment(pem: str) -> Response:
    """Return the public part of a certificate as a file to be uploaded to Entra."""
    headers = {"Content-Disposition": 'attachment; filename="ringfence.cer"', "Cache-Control": "no-store"}
    return Response(pem, media_type="application/x-pem-file", headers=headers)


def day(text: str) -> date | None:
    """Return the day that a form names, None if it names none; Invalid for anything else."""
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid("The day of expiry is no date.", advice="Write it as 2027-01-31.") from error


def _new(values: Values, held: Held) -> NewAccount:
    new = NewAccount(
        name=values.name,
        tenant_id=values.tenant_id,
        client_id=values.client_id,
        secret=held.secret,
        certificate=held.certificate,
        cloud=values.cloud,
        region=values.region or None,
        features=chosen(values.features),
        secret_expires_on=day(values.expires_on),
    )
    addresses = (values.login_url, values.api_url, values.graph_url, values.audience)
    login, api, graph, audience = (each.strip() or None for each in addresses)
    return replace(new, login_url=login, api_url=api, graph_url=graph, audience=audience)


def _purpose(user_id: str) -> str:
    return f"account-draft:{user_id}"
