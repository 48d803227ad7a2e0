from accounts_samples import a_stored_account, an_organization
from ringfence.accounts.model import Account
from ringfence.actions.catalogue import Catalogue, discover
from ringfence.playbooks import library, needs
from ringfence.storage import Database

SCAN = "go: {action: defender.run_av_scan, with: {machine: 1e5bc9d7e413ddd7902c2932e418702b84d0cc07, comment: Look}}"
CALL = "go: {action: playbook.call, with: {component: Looker}}"


def playbook(name: str, trigger: str, step: str, *, kind: str = "") -> str:
    return f"ringfence: 1\nname: {name}\n{kind}trigger: {trigger}\nsteps:\n  {step}\n"


def publish(database: Database, organization: str, text: str) -> None:
    database.run_now(lambda tx: library.publish(tx, organization, text, "adele", catalogue=discover()))


def names(database: Database, account: Account) -> dict[str, tuple[str, ...]]:
    found = database.read_now(lambda tx: needs.of_account(tx, discover(), account))
    return {wish.name: wish.roles for wish in found}


def test_playbooks_are_told_with_the_accounts_that_they_run_with(embedded: Database) -> None:
    organization = an_organization(embedded)
    first = a_stored_account(embedded, organization, roles=())
    assert names(embedded, first) == {}
    publish(embedded, organization, playbook("By name", "{type: manual, account: contoso}", SCAN))
    publish(embedded, organization, playbook("By service", "{type: defender.alert, service: contoso}", SCAN))
    publish(embedded, organization, playbook("Any alert", "{type: defender.alert}", SCAN))
    publish(embedded, organization, playbook("By hand", "{type: manual}", SCAN))
    assert list(names(embedded, first)) == ["By name", "By service", "Any alert", "By hand"]
    assert "Machine.Scan" in names(embedded, first)["By name"]
    wishes = embedded.read_now(lambda tx: needs.of_account(tx, discover(), first))
    assert [wish.name for wish in wishes if wish.by_name] == ["By name"]
    second = a_stored_account(embedded, organization, name="fabrikam", roles=())
    # With two accounts it is not clear with which one something by hand would run.
    assert list(names(embedded, second)) == ["Any alert"]
    assert list(names(embedded, first)) == ["By name", "By service", "Any alert"]


def test_what_a_component_needs_is_needed_by_whoever_calls_it(embedded: Database) -> None:
    organization = an_organization(embedded)
    account = a_stored_account(embedded, organization, roles=())
    kind = "kind: component\n"
    text = f"ringfence: 1\nname: Looker\n{kind}steps:\n  {SCAN}\n"
    publish(embedded, organization, text)
    publish(embedded, organization, playbook("Caller", "{type: manual, account: contoso}", CALL))
    found = names(embedded, account)
    assert list(found) == ["Caller"]
    assert "Machine.Scan" in found["Caller"]


def test_the_catalogue_is_made_when_somebody_asks(embedded: Database) -> None:
    made: list[int] = []

    def catalogue() -> Catalogue:
        made.append(1)
        return discover()

    asked = needs.asking(catalogue)
    assert not made
    account = a_stored_account(embedded, an_organization(embedded))
    assert embedded.read_now(lambda tx: asked(tx, account)) == []
    assert made == [1]
