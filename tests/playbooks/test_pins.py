import pytest

from accounts_samples import an_organization
from ringfence.actions.catalogue import Catalogue, discover
from ringfence.errors import Invalid
from ringfence.playbooks import library
from ringfence.storage import Database

LOOK = """\
ringfence: 1
kind: component
name: Look
inputs:
  text: {type: string, required: true}
steps:
  look: {action: logic.set, with: {values: {text: "${inputs.text}"}}}
"""
CALLER = """\
ringfence: 1
name: Caller
trigger: {type: manual}   # by hand
steps:
  # the call
  go:
    action: playbook.call
    with: {component: Look, inputs: {text: x}}   # unpinned
"""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


def _publish(database: Database, organization: str, text: str, catalogue: Catalogue) -> tuple[str, str, bool]:
    done = database.run_now(lambda tx: library.publish(tx, organization, text, "ada", catalogue=catalogue))
    version = done.playbook.version_id
    source = database.read_now(lambda tx: library.source_of(tx, organization, version))
    return done.playbook.version, source, done.changed


def test_publishing_pins_the_newest_version_and_leaves_the_rest_as_it_was(
    database: Database, catalogue: Catalogue
) -> None:
    organization = an_organization(database)
    _publish(database, organization, LOOK, catalogue)
    version, source, _ = _publish(database, organization, CALLER, catalogue)
    assert version == "1.0"
    assert source == CALLER.replace("inputs: {text: x}}  ", 'inputs: {text: x}, version: "1.0"}')
    assert _publish(database, organization, CALLER, catalogue) == ("1.0", source, False)
    _publish(database, organization, LOOK.replace("look:", "other:"), catalogue)
    assert _publish(database, organization, source, catalogue) == ("1.0", source, False)
    assert _publish(database, organization, CALLER, catalogue)[:2] == ("1.1", source.replace("1.0", "1.1"))


def test_what_is_not_published_cannot_be_called(embedded: Database, catalogue: Catalogue) -> None:
    organization = an_organization(embedded)
    with pytest.raises(Invalid) as caught:
        _publish(embedded, organization, CALLER, catalogue)
    assert "unknown-component" in caught.value.problems[0]
    _publish(embedded, organization, LOOK, catalogue)
    with pytest.raises(Invalid) as wrong:
        _publish(embedded, organization, CALLER.replace("text: x", "txt: x"), catalogue)
    assert "wrong-call" in wrong.value.problems[0]


def test_a_component_of_another_organization_is_not_there(embedded: Database, catalogue: Catalogue) -> None:
    _publish(embedded, an_organization(embedded), LOOK, catalogue)
    with pytest.raises(Invalid):
        _publish(embedded, an_organization(embedded, "fabrikam"), CALLER, catalogue)
