from notification_world import VAULT, a_channel
from ringfence.notifications import resets
from ringfence.organizations import members
from ringfence.organizations import service as organizations
from ringfence.security import passwords
from ringfence.security.rbac import Role
from ringfence.storage import Database


def test_no_mail_is_written_without_a_mail_server_a_password_or_an_address(embedded: Database) -> None:
    here = embedded.run_now(lambda tx: organizations.create(tx, "Northwind")).id
    # A chat is no mail server.
    a_channel(embedded, here)
    for name, stored in (("ines@contoso.com", "hash"), ("ines", "hash"), ("paul@contoso.com", None)):
        user_id = embedded.run_now(lambda tx: members.ensure(tx, here, name, Role.ANALYST))  # noqa: B023
        if stored is not None:
            embedded.run_now(lambda tx: passwords.store(tx, user_id, stored))  # noqa: B023
        for given in (name, "nobody@contoso.com"):
            assert embedded.run_now(lambda tx: resets.ask(tx, VAULT, given, "https://x.test")) is None  # noqa: B023
