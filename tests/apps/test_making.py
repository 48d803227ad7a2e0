from collections.abc import Callable

import pytest

from accounts_samples import a_stored_account, an_organization
from foreign import SOURCE, tickets
from ringfence.actions.catalogue import Catalogue
from ringfence.apps import service as apps
from ringfence.apps.making import edit, make
from ringfence.apps.shelf import shelf
from ringfence.errors import Conflict, Invalid, RingfenceError
from ringfence.services.model import Service
from ringfence.services.service import Wanted
from ringfence.storage import Database

__all__ = ["tickets"]
FITS = {"account": "desk", "queue": "soc"}


def test_a_service_of_a_package_has_parameters_that_fit_and_follows_no_account(
    database: Database, tickets: Catalogue
) -> None:
    here, known = an_organization(database), shelf(tickets)

    def made(wanted: Wanted, account_id: str | None = None) -> Service:
        return database.run_now(
            lambda tx: make(tx, tickets, known, here, wanted.source or "defender", wanted, account_id)
        )

    def changed(found: Service, wanted: Wanted) -> Service:
        return database.run_now(lambda tx: edit(tx, tickets, known, found, wanted))

    with pytest.raises(Conflict, match="not installed"):
        made(Wanted(source=SOURCE, parameters=FITS))
    database.run_now(lambda tx: apps.install(tx, known, SOURCE, by="root"))
    service = made(Wanted(source=SOURCE, parameters=FITS))
    assert (service.account_id, service.account, service.account_state) == ("", "", "healthy")
    assert service.packaged
    assert service.parameters == {**FITS, "least": "low", "closed": False}
    account = a_stored_account(database, here).id
    ours = made(Wanted(source="graph"), account)
    assert (ours.account_id, ours.parameters, ours.packaged) == (account, {}, False)
    refusals: tuple[tuple[Callable[[], Service], str], ...] = (
        (lambda: made(Wanted(source=SOURCE, parameters={"queue": ""})), "do not fit"),
        (lambda: made(Wanted(source=SOURCE, parameters=FITS), account), "follows no connected account"),
        (lambda: made(Wanted(source="defender", parameters=FITS), account), "no parameters of its own"),
        (lambda: made(Wanted(source="defender")), "follows a connected account"),
        (lambda: made(Wanted(source="fabrikam.feed")), "no app named"),
        (lambda: made(Wanted(source="fabrikam feed")), "no source named"),
        (lambda: changed(service, Wanted(parameters={})), "do not fit"),
        (lambda: changed(service, Wanted(source="graph")), "Make a new service"),
        (lambda: changed(ours, Wanted(parameters=FITS)), "no parameters that could be changed"),
    )
    for refused, sentence in refusals:
        with pytest.raises(RingfenceError, match=sentence):
            refused()
    assert changed(service, Wanted(parameters={**FITS, "queue": "it"})).parameters["queue"] == "it"
    assert changed(service, Wanted(interval="5")).interval == "5"


def test_a_service_whose_package_is_gone_can_still_be_looked_at_and_changed(
    embedded: Database, tickets: Catalogue
) -> None:
    here, known = an_organization(embedded), shelf(tickets)
    embedded.run_now(lambda tx: apps.install(tx, known, SOURCE, by="root"))
    wanted = Wanted(source=SOURCE, parameters=FITS)
    service = embedded.run_now(lambda tx: make(tx, tickets, known, here, "desk", wanted))
    without = Catalogue([])
    kept = embedded.run_now(lambda tx: edit(tx, without, shelf(without), service, Wanted(name="desk 2")))
    assert (kept.name, kept.parameters) == ("desk 2", service.parameters)
    with pytest.raises(Invalid, match="could be changed"):
        embedded.run_now(lambda tx: edit(tx, without, shelf(without), service, Wanted(parameters=FITS)))
