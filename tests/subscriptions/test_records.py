"""The rows of subscriptions, on both databases."""

from datetime import timedelta

import pytest

from ringfence import clock
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.organizations import service as organizations
from ringfence.storage import Database
from ringfence.subscriptions import records
from ringfence.subscriptions.model import State
from ringfence.triggers.webhook import key_of
from subscription_world import VAULT, a_subscription


def test_a_subscription_is_made_changed_given_a_new_secret_and_removed(database: Database) -> None:
    own = database.run_now(organizations.ensure_default).id
    other = database.run_now(lambda tx: organizations.create(tx, "Fabrikam")).id
    made, secret = database.run_now(
        lambda tx: records.add(tx, VAULT, own, "siem", "https://siem.contoso.com", ["run.*"], by="megan")
    )
    assert (made.state, made.events, made.secrets, made.waiting) == (State.ON, ("run.*",), 1, 0)
    with pytest.raises(Conflict):
        a_subscription(database, own)
    with pytest.raises(NotFound):
        database.read_now(lambda tx: records.by_name(tx, other, made.id))
    paused = database.run_now(lambda tx: records.change(tx, own, "siem", by="megan", state=State.PAUSED, events=[]))
    assert (paused.state, paused.events) == (State.PAUSED, ())
    with pytest.raises(Invalid):
        database.run_now(lambda tx: records.change(tx, own, "siem", by="megan", state=State.DISABLED))
    found, fresh, until = database.run_now(
        lambda tx: records.rotate(tx, VAULT, own, "siem", keep=timedelta(hours=1), by="megan")
    )
    assert (found.secrets, until > clock.now()) == (2, True)
    keys = database.read_now(lambda tx: records.keys(tx, VAULT, found))
    assert keys == [key_of(fresh), key_of(secret)]
    later = clock.timestamp() + 3_601
    clock.replace(lambda: later)
    assert database.read_now(lambda tx: records.keys(tx, VAULT, found)) == [key_of(fresh)]
    ended = database.run_now(lambda tx: records.rotate(tx, VAULT, own, "siem", keep=timedelta(0), by="megan"))
    assert ended[0].secrets == 1
    with pytest.raises(Invalid):
        database.run_now(lambda tx: records.rotate(tx, VAULT, own, "siem", keep=timedelta(days=31), by="megan"))
    for _ in range(records.MOST_SECRETS - 1):
        database.run_now(lambda tx: records.rotate(tx, VAULT, own, "siem", keep=timedelta(hours=1), by="megan"))
    with pytest.raises(Conflict):
        database.run_now(lambda tx: records.rotate(tx, VAULT, own, "siem", keep=timedelta(hours=1), by="megan"))
    database.run_now(lambda tx: records.remove(tx, own, made.id, by="megan"))
    assert database.read_now(lambda tx: records.every(tx, own)) == []


def test_a_change_is_told_once_and_a_message_can_be_sent_again(database: Database) -> None:
    own = database.run_now(organizations.ensure_default).id
    made = a_subscription(database, own)
    for _ in range(2):
        database.run_now(lambda tx: records.put(tx, made, "run.over", {"type": "run.over"}, change=7))
    test = database.run_now(lambda tx: records.try_out(tx, own, "siem"))
    assert test.kind == "ringfence.test"
    assert {each.kind for each in database.read_now(lambda tx: records.sent(tx, made))} == {"run.over", test.kind}
    again = database.run_now(lambda tx: records.again(tx, own, "siem", test.id, by="megan"))
    assert (again.id, again.state) == (test.id, "waiting")
    with pytest.raises(NotFound):
        database.run_now(lambda tx: records.again(tx, own, "siem", "none", by="megan"))
    database.run_now(lambda tx: records.change(tx, own, "siem", by="megan", state=State.PAUSED))
    with pytest.raises(Conflict, match="Switch it on"):
        database.run_now(lambda tx: records.try_out(tx, own, "siem"))
