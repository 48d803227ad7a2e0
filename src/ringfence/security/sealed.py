"""Every column of sealed texts: what keeps secrets rotates, checks and hides what is named here."""

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from ringfence.storage.tables import (
    account_credentials,
    accounts,
    channels,
    http_accounts,
    identity_providers,
    mailboxes,
    repeats,
    second_factors,
    subscription_secrets,
    subscriptions,
    users,
    webhook_secrets,
    webhooks,
)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column of sealed texts: what each is sealed for (`purpose:key`), and which fields of a document are no secret.

    `key` is the column that names the row; `owner` is what leads to the row that an organization owns, where it is another.
    What is not `hidden` is sealed as a whole, but consists of more than secrets.
    """

    column: sa.Column[str]
    purpose: str
    public: frozenset[str] = frozenset()
    key: str = "id"
    owner: tuple[str, sa.Table] | None = None
    hidden: bool = True

    @property
    def where(self) -> str:
        """The column's name, for people."""
        return f"{self.column.table.name}.{self.column.name}"

    def rows(self, organization_id: str) -> sa.Select[tuple[str, str]]:
        """Return the query of key (`id`) and sealed text of an organization."""
        table = self.column.table
        query = sa.select(table.c[self.key].label("id"), self.column.label("sealed")).where(self.column.is_not(None))
        if self.owner is None:
            return query.where(table.c.organization_id == organization_id)
        name, owner = self.owner
        return query.join(owner, owner.c.id == table.c[name]).where(owner.c.organization_id == organization_id)

    def replace(self, key: str, before: str, after: str) -> sa.Update:
        """Return the statement that puts another sealed text in, unless somebody has put one in meanwhile."""
        table = self.column.table
        assert isinstance(table, sa.Table)
        query = sa.update(table).where(table.c[self.key] == key, self.column == before)
        return query.values({self.column.name: after})


SEALED: Final = (
    Sealed(accounts.c.secret_sealed, "account-secret"),
    Sealed(account_credentials.c.secret_sealed, "account-secret", key="account_id"),
    Sealed(http_accounts.c.sealed, "http-account"),
    Sealed(mailboxes.c.password_sealed, "mailbox-password"),
    Sealed(webhook_secrets.c.sealed, "webhook-secret", owner=("webhook_id", webhooks)),
    Sealed(channels.c.sealed, "channel", frozenset({"host", "port", "security", "sender", "to", "user"})),
    Sealed(second_factors.c.sealed_secret, "second-factor", key="user_id", owner=("user_id", users)),
    Sealed(identity_providers.c.sealed_secret, "identity-provider"),
    Sealed(subscription_secrets.c.sealed, "subscription-secret", owner=("subscription_id", subscriptions)),
    Sealed(repeats.c.sealed, "repeat", hidden=False),
)
