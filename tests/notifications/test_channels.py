from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from accounts_samples import an_organization
from notification_world import VAULT, a_channel
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.notifications import channels
from ringfence.notifications.channels import NewChannel, Quiet
from ringfence.notifications.events import Event
from ringfence.notifications.sending import Mail, Security, Service
from ringfence.storage import Database
from ringfence.storage.tables import channels as table

SECRET = "T1JJ3T3L2-s3cret"


def test_a_channel_is_made_found_opened_and_removed_and_its_address_is_sealed(database: Database) -> None:
    organization = an_organization(database)
    mail = Mail("smtp.contoso.com", 587, Security.STARTTLS, "soc@contoso.com", ("ines@contoso.com",), "soc", SECRET)
    a_channel(database, organization, "ines", target=mail, person="ines", events=("approval_asked",))
    made = a_channel(database, organization, "chat", target=Service(f"json://hooks.contoso.com/{SECRET}"))
    rows = database.read_now(lambda tx: tx.all(sa.select(table)))
    assert SECRET not in repr([dict(row) for row in rows])
    listed = database.read_now(lambda tx: channels.every(tx, organization))
    assert [each.name for each in listed] == ["chat", "ines"]
    assert SECRET not in repr(listed)
    assert database.read_now(lambda tx: channels.target(tx, VAULT, listed[1])) == mail
    assert database.read_now(lambda tx: channels.target(tx, VAULT, made)) == Service(
        f"json://hooks.contoso.com/{SECRET}"
    )
    assert listed[1].wants(Event.APPROVAL_ASKED)
    assert not listed[1].wants(Event.MESSAGE)
    assert listed[0].wants(Event.MESSAGE)
    database.run_now(lambda tx: channels.remove(tx, organization, "chat"))
    with pytest.raises(NotFound, match="no channel named 'chat'"):
        database.read_now(lambda tx: channels.by_name(tx, organization, "chat"))


def test_a_name_is_taken_once_and_another_organization_sees_nothing(database: Database) -> None:
    organization, other = an_organization(database), an_organization(database, "Fabrikam")
    made = a_channel(database, organization)
    with pytest.raises(Conflict):
        a_channel(database, organization)
    with pytest.raises(NotFound):
        database.read_now(lambda tx: channels.by_name(tx, other, made.id))


@pytest.mark.parametrize(
    "values",
    [
        {"name": " "},
        {"name": "a\nb"},
        {"events": ("everything",)},
        {"pause": -1.0},
        {"pause": float("nan")},
        {"quiet": "at night"},
        {"quiet": "25:00-06:00"},
        {"quiet": "22:00-06:00 Mars/Base"},
        {"quiet": "22:00-06:00 /etc/passwd"},
        {"target": Service("file:///etc/passwd")},
    ],
)
def test_what_cannot_be_a_channel_is_refused(values: dict[str, object]) -> None:
    given = {"name": "soc", "target": Service("json://hooks.contoso.com/x")} | values
    with pytest.raises(Invalid):
        channels.check(NewChannel(**given))  # type: ignore[arg-type]


def test_quiet_hours_go_over_midnight_in_their_own_zone() -> None:
    night = Quiet.read("22:00-06:00 Europe/Berlin")
    assert night is not None
    assert night.until(datetime(2026, 1, 31, 22, 30, tzinfo=UTC)) == datetime(2026, 2, 1, 5, 0, tzinfo=UTC)
    assert night.until(datetime(2026, 2, 1, 4, 0, tzinfo=UTC)) == datetime(2026, 2, 1, 5, 0, tzinfo=UTC)
    assert night.until(datetime(2026, 2, 1, 5, 0, tzinfo=UTC)) is None
    noon = Quiet.read("12:00-13:00")
    assert noon is not None
    assert noon.until(datetime(2026, 2, 1, 12, 30, tzinfo=UTC)) == datetime(2026, 2, 1, 13, 0, tzinfo=UTC)
    assert noon.until(datetime(2026, 2, 1, 13, 30, tzinfo=UTC)) is None
    assert Quiet.read(" ") is None
    with pytest.raises(Invalid, match="'Europe/Nowhere' is no time zone"):
        Quiet.read("22:00-06:00 Europe/Nowhere")


def test_an_address_is_written_to_by_the_server_of_the_first_mail_channel(embedded: Database) -> None:
    organization = an_organization(embedded)
    made = embedded.run_now(lambda tx: channels.for_address(tx, organization, "duty@contoso.com"))
    assert embedded.run_now(lambda tx: channels.for_address(tx, organization, "duty@contoso.com")) == made
    assert (made.kind, made.by_rules, made.wants(Event.KILL_SWITCH)) == ("address", True, False)
    with pytest.raises(Conflict, match="no channel of the organization writes mails"):
        embedded.read_now(lambda tx: channels.target(tx, VAULT, made))
    server = Mail("smtp.contoso.com", 587, Security.STARTTLS, "soc@contoso.com", ("soc@contoso.com",), "soc", "s3cret")
    a_channel(embedded, organization, "mails", target=server)
    found = embedded.read_now(lambda tx: channels.target(tx, VAULT, made))
    assert found == replace(server, to=("duty@contoso.com",))


def test_what_a_test_of_a_channel_showed_is_kept_without_delaying_what_is_on_its_way(embedded: Database) -> None:
    organization = an_organization(embedded)
    a_channel(embedded, organization, "chat", target=Service("json://hooks.contoso.com/x"))
    embedded.run_now(lambda tx: channels.tried(tx, organization, "chat", "The service did not take it."))
    failing = embedded.read_now(lambda tx: channels.by_name(tx, organization, "chat"))
    assert (failing.failures, failing.error, failing.delivered_at) == (1, "The service did not take it.", None)
    embedded.run_now(lambda tx: channels.tried(tx, organization, "chat", "Again."))
    assert embedded.read_now(lambda tx: channels.by_name(tx, organization, "chat")).failures == 1
    assert embedded.read_now(lambda tx: tx.scalar(sa.select(table.c.next_at))) is None
    embedded.run_now(lambda tx: channels.tried(tx, organization, "chat", None))
    works = embedded.read_now(lambda tx: channels.by_name(tx, organization, "chat"))
    assert (works.failures, works.error) == (0, "")
    assert works.delivered_at is not None
