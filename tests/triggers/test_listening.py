import sqlalchemy as sa

from accounts_samples import an_organization
from listening_world import publish
from ringfence.playbooks import library
from ringfence.playbooks.triggers import ManualTrigger, TimerTrigger
from ringfence.storage import Database
from ringfence.storage.tables import playbook_versions
from ringfence.triggers.listening import Listening


def test_playbooks_are_found_by_the_type_of_their_trigger_paused_ones_too(database: Database) -> None:
    contoso, fabrikam = an_organization(database), an_organization(database, "Fabrikam")
    publish(database, contoso, "Hourly", "{type: timer, every: 1 h}")
    publish(database, contoso, "Daily", "{type: timer, every: 1 d}")
    publish(database, contoso, "By hand", "{type: manual}")
    publish(database, fabrikam, "Foreign", "{type: timer, every: 1 h}")
    database.run_now(lambda tx: library.pause(tx, contoso, "Hourly"))
    listening = Listening()
    found = database.read_now(lambda tx: listening.of(tx, contoso, TimerTrigger))
    assert [(each.playbook.name, each.paused) for each in found] == [("Daily", False), ("Hourly", True)]
    assert [each.playbook.name for each in database.read_now(lambda tx: listening.of(tx, contoso, ManualTrigger))] == [
        "By hand"
    ]


def test_a_new_version_counts_at_once_and_texts_are_read_once(embedded: Database) -> None:
    organization, listening = an_organization(embedded), Listening()
    publish(embedded, organization, "Tick", "{type: timer, every: 1 h}")
    (before,) = embedded.read_now(lambda tx: listening.of(tx, organization, TimerTrigger))
    publish(embedded, organization, "Tick", "{type: timer, every: 2 h}")
    (after,) = embedded.read_now(lambda tx: listening.of(tx, organization, TimerTrigger))
    assert [str(each.trigger.every) for each in (before, after)] == ["1 h", "2 h"]
    statements: list[str] = []
    sa.event.listen(embedded.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    embedded.read_now(lambda tx: listening.of(tx, organization, TimerTrigger))
    # Which versions count, and whether the organization is frozen.
    assert len([each for each in statements if each.startswith("SELECT")]) == 2


def test_a_version_that_this_release_cannot_read_listens_to_nothing(embedded: Database) -> None:
    organization, listening = an_organization(embedded), Listening()
    playbook = publish(embedded, organization, "Tick", "{type: timer, every: 1 h}")
    embedded.run_now(lambda tx: tx.execute(sa.update(playbook_versions).values(source="ringfence: 99")))
    assert embedded.read_now(lambda tx: listening.of(tx, organization, TimerTrigger)) == []
    assert embedded.read_now(lambda tx: listening.trigger(tx, playbook)) is None
