"""Accounts, organizations and a scripted tenant for tests."""

from collections.abc import Sequence
from typing import Any

import httpx
import jwt

from microsoft import Microsoft, answer
from ringfence import clock
from ringfence.accounts import records
from ringfence.accounts.clients import Clients, purpose
from ringfence.accounts.entering import NewAccount
from ringfence.accounts.model import Account, AccountState
from ringfence.accounts.proof import NEEDED_ROLES
from ringfence.accounts.service import Accounts
from ringfence.defender import RetryPolicy
from ringfence.organizations import service as organizations
from ringfence.security.crypto import Vault
from ringfence.storage import Database

VAULT = Vault(bytes(32))
SECRET = "s3cret~value.of-contoso"
NEW = NewAccount(
    name="contoso",
    tenant_id="7a1f3c52-0c5e-4b8e-9d2f-000000000001",
    client_id="7a1f3c52-0c5e-4b8e-9d2f-000000000002",
    secret=SECRET,
)


def an_account(**values: Any) -> Account:
    """Make an account that is not stored."""
    now = clock.now()
    defaults: dict[str, Any] = {
        "id": clock.new_id(),
        "organization_id": "organization",
        "name": "contoso",
        "cloud": "commercial",
        "tenant_id": NEW.tenant_id,
        "client_id": NEW.client_id,
        "secret_sealed": "",
        "secret_expires_on": None,
        "login_url": None,
        "api_url": None,
        "state": AccountState.HEALTHY,
        "state_reason": "",
        "roles": tuple(NEEDED_ROLES),
        "proven_at": now,
        "created_at": now,
        "updated_at": now,
    }
    return Account(**defaults | values)


def an_organization(database: Database, name: str = "Contoso") -> str:
    """Make an organization and return its id."""
    return database.run_now(lambda tx: organizations.create(tx, name)).id


def a_stored_account(database: Database, organization_id: str, **values: Any) -> Account:
    """Store an account without asking anybody, sealed as the real ones are."""
    account_id = clock.new_id()
    sealed = VAULT.seal(organization_id, purpose(account_id), SECRET)
    account = an_account(**{"id": account_id, "organization_id": organization_id, "secret_sealed": sealed} | values)
    return database.run_now(lambda tx: records.insert(tx, account))


def signed_in(roles: Sequence[str] = tuple(NEEDED_ROLES)) -> httpx.Response:
    """Make the login host's reply with a token that holds `roles`."""
    token = jwt.encode({"roles": list(roles)}, "x" * 32, algorithm="HS256")
    return answer({"token_type": "Bearer", "expires_in": 3600, "access_token": token})


def a_page(*documents: dict[str, Any]) -> httpx.Response:
    """Make the API's reply with a collection."""
    return answer({"value": list(documents)})


def clients_of(database: Database, microsoft: Microsoft) -> Clients:
    """Make clients whose whole network is `microsoft`, and who do not try twice."""
    return Clients(database, VAULT, transport=microsoft.transport, retry=RetryPolicy(attempts=1))


def accounts_of(database: Database, microsoft: Microsoft) -> Accounts:
    """Make the service whose whole network is `microsoft`."""
    return Accounts(database, VAULT, clients_of(database, microsoft))
