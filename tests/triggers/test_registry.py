import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from ringfence.actions.catalogue import discover
from ringfence.playbooks import library
from ringfence.storage import Database
from ringfence.storage.tables import playbook_versions
from ringfence.triggers.registry import Registry

SOURCE = """\
ringfence: 1
name: {name}
trigger: {trigger}
steps: {{look: {{action: jmespath.query, with: {{expression: title}}}}}}
"""


def publish(database: Database, organization: str, name: str, trigger: str = "{type: defender.alert}") -> str:
    source = SOURCE.format(name=name, trigger=trigger)
    catalogue = discover()
    done = database.run_now(lambda tx: library.publish(tx, organization, source, "ada", catalogue=catalogue))
    return done.playbook.version_id


def heard(database: Database, registry: Registry, organization: str) -> list[str]:
    found = database.read_now(lambda tx: registry.of_organization(tx, organization))
    return [f"{each.name}{' (paused)' if each.paused else ''}" for each in found]


def test_the_playbooks_of_the_organization_that_wait_for_alerts_are_given_paused_ones_too(database: Database) -> None:
    contoso, fabrikam = an_organization(database), an_organization(database, "Fabrikam")
    a_stored_account(database, contoso, name="contoso")
    publish(database, contoso, "Any")
    publish(database, contoso, "Named", "{type: defender.alert, account: contoso}")
    publish(database, contoso, "By hand", "{type: manual}")
    publish(database, contoso, "Paused")
    publish(database, fabrikam, "Foreign")
    database.run_now(lambda tx: library.pause(tx, contoso, "Paused"))
    assert heard(database, Registry(), contoso) == ["Any", "Named", "Paused (paused)"]


def test_a_playbook_counts_from_the_moment_it_is_published_or_paused(embedded: Database) -> None:
    organization, registry = an_organization(embedded), Registry()
    assert heard(embedded, registry, organization) == []
    first = publish(embedded, organization, "Look")
    assert heard(embedded, registry, organization) == ["Look"]
    second = publish(embedded, organization, "Look", "{type: defender.alert, severity: [High]}")
    assert second != first
    found = embedded.read_now(lambda tx: registry.of_organization(tx, organization))
    assert [(each.version_id, each.trigger.severity) for each in found] == [(second, ("High",))]
    embedded.run_now(lambda tx: library.pause(tx, organization, "Look"))
    assert heard(embedded, registry, organization) == ["Look (paused)"]


def test_superseded_versions_are_found_by_their_ids(embedded: Database) -> None:
    organization, registry = an_organization(embedded), Registry()
    first = publish(embedded, organization, "Look")
    second = publish(embedded, organization, "Look", "{type: defender.alert, severity: [High]}")
    manual = publish(embedded, organization, "By hand", "{type: manual}")
    wanted = [first, second, manual, "none"]
    found = embedded.read_now(lambda tx: registry.by_version(tx, organization, wanted))
    assert {version: trigger.severity for version, trigger in found.items()} == {first: (), second: ("High",)}


def test_texts_are_read_once_for_each_version(embedded: Database) -> None:
    organization, registry = an_organization(embedded), Registry()
    publish(embedded, organization, "Look")
    heard(embedded, registry, organization)
    statements: list[str] = []
    sa.event.listen(embedded.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    heard(embedded, registry, organization)
    # Which versions count, and whether the organization is frozen.
    assert len([each for each in statements if each.startswith("SELECT")]) == 2


def test_a_version_that_this_release_cannot_read_starts_nothing(embedded: Database) -> None:
    organization = an_organization(embedded)
    publish(embedded, organization, "Look")
    publish(embedded, organization, "Look too")
    old = sa.update(playbook_versions).values(source="ringfence: 99").where(playbook_versions.c.source.contains("too"))
    embedded.run_now(lambda tx: tx.execute(old))
    assert heard(embedded, Registry(), organization) == ["Look"]
