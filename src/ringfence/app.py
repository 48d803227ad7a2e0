"""The composition root: builds every part from Settings, once. The only module that knows them all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError, OperationalError

from ringfence.accounts import records
from ringfence.accounts.model import Account
from ringfence.actions import Effect, Json
from ringfence.actions.catalogue import Catalogue, discover
from ringfence.alerts import queue
from ringfence.clock import new_id, now
from ringfence.containment import service as containment
from ringfence.errors import Invalid, Misconfigured, Unavailable
from ringfence.organizations import service as organizations
from ringfence.organizations.model import Organization
from ringfence.security import masters
from ringfence.security.crypto import Vault
from ringfence.settings import Settings
from ringfence.storage import Database, Transaction, elsewhere, schema
from ringfence.storage.database import make_url
from ringfence.storage.tables import accounts as accounts_table

if TYPE_CHECKING:
    import httpx

    from ringfence.accounts.clients import Clients
    from ringfence.accounts.service import Accounts
    from ringfence.alerts.model import Alert
    from ringfence.containment.explaining import Explanation
    from ringfence.defender import Limits
    from ringfence.ingestion.compare import Comparison
    from ringfence.ingestion.trial import Trial
    from ringfence.listeners.packaged import Packaged
    from ringfence.listeners.receiving import Receiver
    from ringfence.notifications.delivery import Sender
    from ringfence.playbooks.publishing import Publishing
    from ringfence.rehearsals.desk import DryRun, Wish
    from ringfence.runs.alert_changes import AlertChange
    from ringfence.runs.one_action import Carried
    from ringfence.runs.outside import Outside
    from ringfence.services.model import Service

ORIGIN_FILE: Final = "origin"
"""Where a server that runs on the data folder says under which address it listens, for commands that write links to it."""


def listening_at(settings: Settings) -> str | None:
    """Return where a server of this data folder listens now, None where none does on this machine."""
    try:
        found = (settings.data / ORIGIN_FILE).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return found if found.startswith(("http://", "https://")) else None


@dataclass(frozen=True)
class App:
    """An installation, opened: its settings, its database, and what is built from them."""

    settings: Settings
    database: Database
    transport: httpx.AsyncBaseTransport | None = None
    limits: Limits | None = None

    @classmethod
    def open(
        cls, settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None, limits: Limits | None = None
    ) -> App:
        """Open an installation. The embedded database is made, or upgraded, by itself; PostgreSQL must be current.

        `transport` replaces the network, and `limits` what tenants grant, where Microsoft is a simulator.
        """
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = Database(make_url(settings))
        try:
            if database.sqlite:
                schema.upgrade(database)
            else:
                schema.demand_current(database)
            database.run_now(organizations.ensure_default)
        except OperationalError as error:
            database.close()
            if not database.sqlite:
                raise elsewhere.unreachable(database.url, error) from error
            raise Unavailable(
                f"The data folder cannot be used: {_first_line(error.orig)}",
                advice=f"Check that {settings.data} can be written to.",
            ) from error
        except DatabaseError as error:
            database.close()
            raise Misconfigured(
                f"The database cannot be used: {_first_line(error.orig)}",
                advice="It is damaged, or something else. Restore the newest backup: `ringfence db restore FOLDER`.",
            ) from error
        except BaseException:
            database.close()
            raise
        return cls(settings, database, transport, limits)

    @cached_property
    def vault(self) -> Vault:
        """What seals secrets."""
        return Vault(masters.of(self.settings), self.database)

    @cached_property
    def receiver(self) -> Receiver:
        """What takes the messages of webhooks in."""
        from ringfence.listeners.receiving import Receiver

        return Receiver(self.database, self.vault, tolerance=self.settings.webhook_tolerance)

    @cached_property
    def sender(self) -> Sender:
        """What sends people notifications, with links to the pages."""
        from ringfence.notifications.delivery import Sender
        from ringfence.security.egress import networks

        settings = self.settings
        return Sender(self.vault, self.origin, networks(settings.egress_private))

    @property
    def origin(self) -> str:
        """Where people reach the pages: as it is said, else where a server of this data folder listens now."""
        settings = self.settings
        return settings.origin if settings.public_url is not None else listening_at(settings) or settings.origin

    @cached_property
    def outside(self) -> Outside:
        """What runs need to reach services outside."""
        from ringfence.outbound.model import host_of
        from ringfence.runs.outside import Outside

        named = self.settings.egress_hosts.replace(",", " ").split()
        return Outside(self.sender, frozenset(map(host_of, named)) if named else None)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The actions that playbooks may use."""
        return discover()

    @cached_property
    def publishing(self) -> Publishing:
        """What publishes playbooks."""
        from ringfence.playbooks.publishing import Publishing
        from ringfence.security.egress import networks

        return Publishing(self.catalogue, networks(self.settings.egress_private))

    def clients(self) -> Clients:
        """Make the Defender clients of one event loop."""
        # Loading them takes longer than most commands, and most commands do without.
        from ringfence.accounts.clients import Clients
        from ringfence.security.egress import networks

        allowed = networks(self.settings.egress_private)
        return Clients(self.database, self.vault, transport=self.transport, limits=self.limits, allowed=allowed)

    def accounts(self, clients: Clients) -> Accounts:
        """Make what tests and connects accounts."""
        from ringfence.accounts.service import Accounts
        from ringfence.playbooks import needs

        return Accounts(
            self.database,
            self.vault,
            clients,
            wishes=needs.asking(lambda: self.catalogue),
            check_every=self.settings.account_check_interval,
        )

    @asynccontextmanager
    async def connecting(self) -> AsyncIterator[Accounts]:
        """Make what tests and connects accounts, for as long as somebody needs it."""
        clients = self.clients()
        try:
            yield self.accounts(clients)
        finally:
            await clients.aclose()

    def organization(self, name: str | None = None) -> Organization:
        """Return the organization called `name`, or the only one; Invalid where it is not clear which is meant."""
        if name is not None:
            return self.database.read_now(lambda tx: organizations.by_name(tx, name))
        known = self.database.read_now(organizations.every)
        if len(known) == 1:
            return known[0]
        raise Invalid(
            "There are several organizations, and it is not said which is meant.",
            advice=f"Name one: --organization with one of {', '.join(each.name for each in known)}.",
        )

    async def contain(
        self,
        *,
        organization_id: str,
        target: str,
        isolation_type: str,
        reason: str,
        account: str | None,
        by: str,
        auto_release: float | None,
        force: bool = False,
        alert: str | None = None,
    ) -> str:
        """Ask, for a person, for a host to be contained; returns the containment's id. The worker does the rest.

        About an `alert` (our id, or Defender's) it is done only while Defender has not dealt with it, unless by `force`.
        """

        def work(tx: Transaction) -> str:
            found = records.sensor(tx, organization_id) if account is None else None
            found = found or only_account(tx, organization_id, account)
            return containment.request(
                tx,
                organization_id=organization_id,
                account_id=found.id,
                target=target,
                reason=reason,
                requested_by=by,
                key=f"person:{new_id()}",
                isolation_type=isolation_type,
                auto_release_after=auto_release,
                forced=force,
                alert_id=queue.get(tx, organization_id, alert).id if alert is not None else None,
                deadline=self.settings.decision_deadline,
            ).id

        return await self.database.run(work)

    async def explain(
        self,
        *,
        organization_id: str,
        target: str,
        account: str | None,
        by_person: bool = False,
        playbook: str | None = None,
        alert: str | None = None,
        drill: bool = False,
    ) -> Explanation:
        """Say whether a host would be contained now, and why; changes nothing."""
        from ringfence.containment.explaining import Question, explain
        from ringfence.defender import DefenderError

        def find(tx: Transaction) -> Account:
            found = records.sensor(tx, organization_id) if account is None else None
            return found or only_account(tx, organization_id, account)

        meant = await self.database.read(find)
        clients = self.clients()
        try:
            client = await clients.get(meant.id)
            question = Question(organization_id, meant.id, target.strip(), by_person, playbook, alert, drill)
            return await explain(self.database, client, question)
        except DefenderError as error:
            raise Unavailable(
                f"Defender could not be asked. {error.message or error.code}", advice=error.advice
            ) from error
        finally:
            await clients.aclose()

    async def dry_run(self, organization: Organization, wish: Wish) -> DryRun:
        """Say what a playbook would do now, without doing it; see `rehearsals.desk`."""
        from ringfence.rehearsals.desk import try_dry

        clients = self.clients()
        try:
            return await try_dry(self.database, clients, self.vault, self.catalogue, organization, wish)
        finally:
            await clients.aclose()

    async def act(
        self, organization: Organization, action: str, inputs: Mapping[str, Json], *, account: str | None, by: str
    ) -> Carried:
        """Carry one action out for a person, as far as it goes without waiting; see `runs.one_action`."""
        from ringfence.runs.one_action import Wanted, carry, find

        found = find(self.catalogue, action)
        wanted = Wanted(action, inputs, None, None)
        if account is not None or found.operations or found.effect is Effect.CONTAIN:
            meant = await self.database.read(lambda tx: only_account(tx, organization.id, account))
            wanted = Wanted(action, inputs, meant.id, meant.name)
        clients = self.clients()
        try:
            return await carry(
                self.database,
                clients,
                self.catalogue,
                self.outside,
                organization,
                wanted,
                by=by,
                deadline=self.settings.decision_deadline,
            )
        finally:
            await clients.aclose()

    async def release(self, *, containment_id: str, reason: str, by: str) -> None:
        """Ask, for a person, for a host to be released, whoever holds it."""
        await self.database.run(lambda tx: containment.let_go(tx, containment_id, by=by, reason=reason))

    async def change_alert(self, *, organization: Organization, alert_id: str, wanted: AlertChange, by: str) -> Alert:
        """Change an alert in Defender for a person; see `runs.alert_changes.change`."""
        from ringfence.runs.alert_changes import change

        clients = self.clients()
        try:
            return await change(self.database, clients, organization, alert_id, wanted, by=by)
        finally:
            await clients.aclose()

    @cached_property
    def packaged(self) -> Packaged:
        """What polls the services whose type a package brings."""
        from ringfence.listeners.packaged import Packaged
        from ringfence.runs.http import Http

        return Packaged(
            self.database, self.catalogue, lambda here: Http(self.database, self.outside, here, None), self.settings
        )

    async def try_service(self, service: Service) -> Trial:
        """Ask a service's source once, as a poll would, and keep nothing; see `ingestion.trial`."""
        from ringfence.ingestion.trial import trial

        if service.packaged:
            return await self.packaged.trial(service)
        clients = self.clients()
        try:
            return await trial(clients, service)
        finally:
            await clients.aclose()

    async def compare(self, service: Service, since: str) -> Comparison:
        """Compare both sources of a service's account from a moment in words on; Invalid if these mean none in the past."""
        from ringfence.ingestion.compare import compare
        from ringfence.services import history

        if service.packaged:
            raise Invalid(f"{service.name} reads no alerts that could be compared.")
        begin = await asyncio.to_thread(history.start, since, now())
        clients = self.clients()
        try:
            return await compare(clients, service.account_id, begin)
        finally:
            await clients.aclose()

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()


def _first_line(error: BaseException | None) -> str:
    # The driver's later lines repeat the address, with whatever stands in it.
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "no reason was given"


def only_account(tx: Transaction, organization_id: str, name: str | None) -> Account:
    """Return the account called `name`, or the organization's only one; Invalid where it is not clear which is meant."""
    if name is not None:
        return records.by_name(tx, organization_id, name)
    names = tx.execute(
        sa.select(accounts_table.c.name).where(accounts_table.c.organization_id == organization_id).order_by("name")
    ).scalars()
    known = list(names)
    if len(known) == 1:
        return records.by_name(tx, organization_id, known[0])
    raise Invalid(
        "There is no connected account."
        if not known
        else "There are several accounts, so it is not clear which is meant.",
        advice="Connect one: `ringfence account add`." if not known else f"Name one of: {', '.join(known)}.",
    )
