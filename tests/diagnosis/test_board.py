from datetime import timedelta

import pytest
import sqlalchemy as sa

from contoso import seed
from plans import plans
from ringfence import clock
from ringfence.accounts.budgets import Budget
from ringfence.containment.times import times
from ringfence.diagnosis import board
from ringfence.organizations import members
from ringfence.organizations import service as organizations
from ringfence.organizations.model import Organization
from ringfence.security.rbac import Role
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import accounts, alerts, containments, runs


def test_each_organization_has_its_own_numbers_with_as_many_queries_for_many_as_for_one(embedded: Database) -> None:
    contoso = embedded.run_now(lambda tx: seed(tx, now=clock.now()))
    fabrikam = embedded.run_now(lambda tx: seed(tx, organization="fabrikam", user="alex.wilber"))
    embedded.run_now(lambda tx: members.ensure(tx, fabrikam.organization_id, "megan.bowen", Role.READ_ONLY))
    embedded.run_now(lambda tx: organizations.create(tx, "not of megan"))
    empty = embedded.run_now(lambda tx: organizations.create(tx, "woodgrove")).id
    embedded.run_now(lambda tx: members.ensure(tx, empty, "megan.bowen", Role.ANALYST))
    theirs = fabrikam.organization_id

    def quieten(tx: Transaction) -> None:
        tx.execute(sa.update(alerts).where(alerts.c.organization_id == theirs).values(status="Resolved"))
        tx.execute(sa.update(accounts).where(accounts.c.organization_id == theirs).values(state="healthy"))
        tx.execute(sa.update(runs).where(runs.c.organization_id == theirs).values(status="succeeded"))
        tx.execute(sa.update(containments).where(containments.c.organization_id == theirs).values(state="released"))

    embedded.run_now(quieten)
    asked: list[int] = []
    for only in (contoso.organization_id, None):
        count = 0

        def one_more(*_: object) -> None:
            nonlocal count
            count += 1

        places = embedded.read_now(lambda tx, o=only: members.places(tx, contoso.user_id, only=o))  # type: ignore[misc]
        sa.event.listen(embedded.engine, "before_cursor_execute", one_more)
        found = embedded.read_now(lambda tx, p=places: board.lines(tx, p))  # type: ignore[misc]
        sa.event.remove(embedded.engine, "before_cursor_execute", one_more)
        asked.append(count)
    assert asked[0] == asked[1]
    mine, other, none = found
    assert [each.place.organization.name for each in found] == ["contoso", "fabrikam", "woodgrove"]
    rows = embedded.read_now(lambda tx: tx.all(sa.select(alerts).where(alerts.c.status != "Resolved")))
    assert sum(mine.alerts.values()) == len(rows) > 0
    assert (mine.isolated, mine.services, mine.accounts, mine.failed) == (2, 1, 1, 1)
    assert mine.oldest is not None
    assert mine.oldest < clock.now()
    whole = embedded.read_now(lambda tx: times(tx, contoso.organization_id)).contain
    assert (mine.contain.many, mine.contain.median) == (whole.many, whole.median)
    assert whole.many > 0
    assert (other.alerts, other.isolated, other.oldest, other.accounts, other.failed) == ({}, 0, None, 0, 0)
    assert none == board.Line(none.place)
    assert none.budget_left is None


def test_the_board_goes_along_indexes_and_through_no_table_of_all_that_ever_was(embedded: Database) -> None:
    contoso = embedded.run_now(lambda tx: seed(tx, now=clock.now()))
    places = embedded.read_now(lambda tx: members.places(tx, contoso.user_id))
    found = plans(embedded, lambda tx: board.lines(tx, places))
    of_alerts = next(steps for query, steps in found.items() if "FROM alerts" in query)
    assert [step for step in of_alerts if "alerts USING" in step or "GROUP BY" in step] == [
        "SEARCH alerts USING COVERING INDEX ix_alerts_organization_status (organization_id=? AND status=?)"
    ]
    of_times = next(steps for query, steps in found.items() if "containments.requested_at" in query)
    assert any("ix_containments_account_confirmed (account_id=? AND confirmed_at>?)" in step for step in of_times)
    rows = [step for steps in found.values() for step in steps if "SCAN" in step]
    assert [step for step in rows if any(noun in step for noun in ("alerts", "containments", "runs"))] == []


@pytest.mark.parametrize(("spent", "closed", "left"), [(0, False, 100), (45, False, 10), (99, False, 0), (1, True, 0)])
def test_what_is_left_of_a_budget_is_told_in_a_hundred(spent: int, closed: bool, left: int) -> None:
    until = clock.now() + timedelta(minutes=1) if closed else None
    budget = Budget("defender", None, 50, 60, spent, {}, until)
    place = members.Place(Organization("o", "contoso", clock.now()), Role.ANALYST)
    assert board.Line(place, budget=budget).budget_left == left
