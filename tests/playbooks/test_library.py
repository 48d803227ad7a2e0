import json

import pytest

from accounts_samples import a_stored_account, an_organization
from language_example import EXAMPLE
from ringfence.actions.catalogue import Catalogue, discover
from ringfence.audit import log
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.playbooks import library
from ringfence.playbooks.library import PlaybookState, Published, Release
from ringfence.storage import Database
from ringfence.storage.changes import after
from service_samples import put, the_service

SOURCE = """\
ringfence: 1
name: Look at ransomware
trigger:
  type: defender.alert
  severity: [High]
steps:
  look:
    action: jmespath.query
    with: {expression: title}
"""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


def publish(database: Database, organization: str, source: str, catalogue: Catalogue) -> Published:
    return database.run_now(
        lambda tx: library.publish(tx, organization, source, "ada", catalogue=catalogue, path="look.yaml")
    )


def told(database: Database) -> list[str]:
    return [change.kind for change in database.read_now(lambda tx: after(tx, 0)) if change.noun == "playbook"]


def test_a_published_playbook_is_active_at_version_1_0_and_its_text_comes_back_as_it_was(
    database: Database, catalogue: Catalogue
) -> None:
    organization = an_organization(database)
    done = publish(database, organization, SOURCE, catalogue)
    assert done.changed
    assert (done.playbook.version, done.playbook.state, done.playbook.published_by) == ("1.0", "active", "ada")
    assert database.read_now(lambda tx: library.get(tx, organization, "Look at ransomware")) == done.playbook
    assert database.read_now(lambda tx: library.get(tx, organization, done.playbook.id)) == done.playbook
    assert database.read_now(lambda tx: library.source_of(tx, organization, done.playbook.version_id)) == SOURCE
    assert told(database) == ["published"]


def test_a_changed_text_makes_a_minor_version_and_the_one_before_stays(
    database: Database, catalogue: Catalogue
) -> None:
    organization = an_organization(database)
    first = publish(database, organization, SOURCE, catalogue)
    second = publish(database, organization, SOURCE.replace("High", "Low"), catalogue)
    assert (second.playbook.id, second.playbook.version) == (first.playbook.id, "1.1")
    assert database.read_now(lambda tx: library.source_of(tx, organization, first.playbook.version_id)) == SOURCE
    active = database.read_now(lambda tx: library.active(tx, organization))
    assert [each.version_id for each in active] == [second.playbook.version_id]


def test_the_same_text_makes_no_version_and_says_so(database: Database, catalogue: Catalogue) -> None:
    organization = an_organization(database)
    first = publish(database, organization, SOURCE, catalogue)
    database.run_now(lambda tx: library.pause(tx, organization, first.playbook.name))
    again = publish(database, organization, SOURCE, catalogue)
    assert not again.changed
    assert (again.playbook.version_id, again.playbook.state) == (first.playbook.version_id, PlaybookState.ACTIVE)
    assert told(database) == ["published", "paused", "active"]


def test_a_paused_playbook_starts_nothing_until_it_is_resumed(database: Database, catalogue: Catalogue) -> None:
    organization = an_organization(database)
    playbook = publish(database, organization, SOURCE, catalogue).playbook
    assert database.run_now(lambda tx: library.pause(tx, organization, playbook.id)).state is PlaybookState.PAUSED
    database.run_now(lambda tx: library.pause(tx, organization, playbook.id))
    assert database.read_now(lambda tx: library.active(tx, organization)) == []
    assert database.run_now(lambda tx: library.resume(tx, organization, playbook.id)).state is PlaybookState.ACTIVE
    assert len(database.read_now(lambda tx: library.active(tx, organization))) == 1
    assert told(database) == ["published", "paused", "active"]


def test_a_text_with_errors_is_refused_with_their_places_and_nothing_is_stored(
    database: Database, catalogue: Catalogue
) -> None:
    organization = an_organization(database)
    with pytest.raises(Invalid, match="has 1 error") as caught:
        publish(database, organization, SOURCE.replace("jmespath.query", "jmespath.querry"), catalogue)
    assert caught.value.problems[0].startswith("look.yaml:8:")
    assert "querry" in caught.value.problems[0]
    assert database.read_now(lambda tx: library.every(tx, organization)) == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "document is empty"),
        (SOURCE.replace("[High]", "[High"), "look.yaml:"),
        (SOURCE.replace("Look at ransomware", '"Look\\0"'), "look.yaml:"),
        (SOURCE.replace("Look at ransomware", "a" * 201), "longer than 200 characters"),
        (SOURCE.replace("severity: [High]", "changes: [created, vanished]"), "vanished"),
        (SOURCE + "# \x00", "cannot be stored"),
        ("x" * 1_000_001, "1000001 characters"),
    ],
)
def test_hostile_texts_are_refused_with_a_sentence(
    embedded: Database, catalogue: Catalogue, source: str, said: str
) -> None:
    organization = an_organization(embedded)
    with pytest.raises(Invalid) as caught:
        publish(embedded, organization, source, catalogue)
    assert said in " ".join((str(caught.value), *caught.value.problems))
    assert caught.value.advice


@pytest.mark.parametrize(("field", "done"), [("account", "connected"), ("service", "made")])
def test_a_trigger_on_an_unknown_account_or_service_is_refused_with_the_known_ones(
    database: Database, catalogue: Catalogue, field: str, done: str
) -> None:
    organization, other = an_organization(database), an_organization(database, "Fabrikam")
    source = SOURCE.replace("severity: [High]", f"{field}: contoso")
    with pytest.raises(Invalid) as nothing_known:
        publish(database, organization, source, catalogue)
    assert f"None is {done} yet" in nothing_known.value.problems[0]
    a_stored_account(database, other, name="contoso")
    a_stored_account(database, organization, name="contoso-eu")
    with pytest.raises(Invalid) as caught:
        publish(database, organization, source, catalogue)
    assert "look.yaml:5:" in caught.value.problems[0]
    assert f"{done.capitalize()} are: contoso-eu." in caught.value.problems[0]
    account = a_stored_account(database, organization, name="contoso")
    if field == "service":
        put(database, the_service(database, account.id).id, enabled=False)
        with pytest.raises(Invalid) as off:
            publish(database, organization, source, catalogue)
        assert "ringfence service resume contoso" in off.value.problems[0]
        put(database, the_service(database, account.id).id, enabled=True)
    assert publish(database, organization, source, catalogue).changed


def test_a_playbook_belongs_to_one_organization(database: Database, catalogue: Catalogue) -> None:
    contoso, fabrikam = an_organization(database), an_organization(database, "Fabrikam")
    playbook = publish(database, contoso, SOURCE, catalogue).playbook
    with pytest.raises(NotFound, match="There is no playbook"):
        database.read_now(lambda tx: library.get(tx, fabrikam, playbook.id))
    with pytest.raises(NotFound, match="no playbook version"):
        database.read_now(lambda tx: library.source_of(tx, fabrikam, playbook.version_id))
    assert database.read_now(lambda tx: library.active(tx, fabrikam)) == []
    assert publish(database, fabrikam, SOURCE, catalogue).playbook.id != playbook.id


def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(embedded: Database, catalogue: Catalogue) -> None:
    organization = an_organization(embedded)
    publish(embedded, organization, SOURCE, catalogue)
    with pytest.raises(NotFound, match="Did you mean 'Look at ransomware'"):
        embedded.read_now(lambda tx: library.get(tx, organization, "look at ransomware"))


def test_an_organization_that_is_gone_publishes_nothing(embedded: Database, catalogue: Catalogue) -> None:
    with pytest.raises(Conflict):
        publish(embedded, "gone", SOURCE, catalogue)


def test_the_example_of_the_documentation_is_published_as_it_stands(embedded: Database, catalogue: Catalogue) -> None:
    organization = an_organization(embedded)
    account = a_stored_account(embedded, organization)
    put(embedded, the_service(embedded, account.id).id, name="contoso", enabled=True)
    done = publish(embedded, organization, EXAMPLE, catalogue)
    assert done.playbook.name == "Contain ransomware on workstations"
    # The example's team and channel are its own.
    assert {each.code for each in done.problems} == {"unknown-people", "unknown-channel"}


def test_a_major_version_is_made_by_hand_also_of_the_same_text_and_notes_are_kept(
    embedded: Database, catalogue: Catalogue
) -> None:
    organization = an_organization(embedded)
    publish(embedded, organization, SOURCE, catalogue)
    release = Release(major=True, note=" Reviewed. ")
    done = embedded.run_now(
        lambda tx: library.publish(tx, organization, SOURCE, "megan", catalogue=catalogue, release=release)
    )
    assert (done.changed, done.playbook.version) == (True, "2.0")
    publish(embedded, organization, SOURCE.replace("High", "Low"), catalogue)
    kept = embedded.read_now(lambda tx: library.versions(tx, organization, "Look at ransomware"))
    assert [(each.number, each.published_by, each.note) for each in kept] == [
        ("2.1", "ada", ""),
        ("2.0", "megan", "Reviewed."),
        ("1.0", "ada", ""),
    ]
    second = embedded.read_now(lambda tx: library.version(tx, organization, done.playbook.id, "2.0"))
    assert second == kept[1]
    with pytest.raises(NotFound, match=r"no version '3\.0'") as caught:
        embedded.read_now(lambda tx: library.version(tx, organization, done.playbook.id, "3.0"))
    assert caught.value.advice == "It has: 2.1, 2.0, 1.0."


def test_a_text_with_a_new_name_renames_its_playbook_unless_the_name_is_taken(
    embedded: Database, catalogue: Catalogue
) -> None:
    organization = an_organization(embedded)
    first = publish(embedded, organization, SOURCE, catalogue).playbook
    publish(embedded, organization, SOURCE.replace("Look at ransomware", "Other"), catalogue)

    def rename(name: str) -> str:
        text = SOURCE.replace("Look at ransomware", name)
        release = Release(playbook_id=first.id)
        done = embedded.run_now(
            lambda tx: library.publish(tx, organization, text, "ada", catalogue=catalogue, release=release)
        )
        return f"{done.playbook.name} {done.playbook.version}"

    assert rename("Look twice") == "Look twice 1.1"
    with pytest.raises(Conflict, match="Another playbook is named 'Other'"):
        rename("Other")


def test_a_retired_playbook_starts_nothing_and_comes_back_when_it_is_activated(
    embedded: Database, catalogue: Catalogue
) -> None:
    organization = an_organization(embedded)
    playbook = publish(embedded, organization, SOURCE, catalogue).playbook
    assert embedded.run_now(lambda tx: library.retire(tx, organization, playbook.id)).state is PlaybookState.RETIRED
    assert embedded.read_now(lambda tx: library.published(tx, organization)) == []
    with pytest.raises(Conflict, match="is retired"):
        embedded.run_now(lambda tx: library.pause(tx, organization, playbook.id))
    assert embedded.run_now(lambda tx: library.resume(tx, organization, playbook.id)).state is PlaybookState.ACTIVE
    said = [
        (each.event, json.loads(each.details).get("before"))
        for each in embedded.read_now(lambda tx: log.listing(tx, organization)).entries
    ]
    assert said[:2] == [("playbook:resumed", "retired"), ("playbook:retired", "active")]
