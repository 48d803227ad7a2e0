from functools import partial

from accounts_samples import a_stored_account, an_organization
from ringfence.actions.catalogue import discover
from ringfence.organizations import teams
from ringfence.playbooks import library, surroundings
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.document import read
from ringfence.storage import Database
from service_samples import the_service

STEP = "one: {action: logic.set, with: {values: {}}}"
CALL = "one: {action: playbook.call, with: {component: Inner, version: '%s'}}"


def test_an_organization_is_seen_with_what_is_its_own(embedded: Database) -> None:
    organization, other = an_organization(embedded), an_organization(embedded, "Fabrikam")
    account = a_stored_account(embedded, organization, name="contoso")
    a_stored_account(embedded, other, name="fabrikam")
    service = the_service(embedded, account.id)
    embedded.run_now(lambda tx: teams.put(tx, organization, "tier-2", ["adele"]))
    here = embedded.read_now(lambda tx: surroundings.look(tx, organization, by="adele"))
    assert [(each.name, each.state, each.roles) for each in here.accounts] == [("contoso", "healthy", account.roles)]
    assert [(each.name, each.account) for each in here.services] == [(service.name, "contoso")]
    assert "tier-2" in here.audience
    assert here.publisher is not None
    assert here.publisher.name == "adele"


def test_components_are_found_by_their_pinned_version_at_any_depth(embedded: Database) -> None:
    organization = an_organization(embedded)
    catalogue = discover()
    for minute in (1, 2):
        inner = example(f"one: {{action: logic.delay, with: {{duration: {minute} min}}}}", name="Inner")
        publish = partial(library.publish, organization_id=organization, source=inner, by="ada", catalogue=catalogue)
        embedded.run_now(publish)

    def reach(version: str) -> list[str]:
        playbook = read(example(CALL % version)).playbook
        assert playbook is not None
        found = embedded.read_now(lambda tx: surroundings.components(tx, organization, playbook))
        return [str(each.steps["one"].with_["duration"]) for each in found.values()]

    assert [reach("1.0"), reach("1.1"), reach("")] == [["1 min"], ["2 min"], ["2 min"]]
    assert [reach("7.0"), reach("new"), reach("1." + "9" * 30)] == [[], [], []]
