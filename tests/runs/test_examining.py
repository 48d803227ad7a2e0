from dataclasses import replace

from accounts_samples import a_stored_account, an_organization
from ringfence.accounts import records
from ringfence.actions.catalogue import discover
from ringfence.listeners.people import Starter, Wish
from ringfence.playbooks import library
from ringfence.playbooks.checks.base import example
from ringfence.runs import rows
from ringfence.runs.examining import Examiner
from ringfence.storage import Database
from run_world import Time

TEXT = example(
    "one: {action: defender.get_machine, with: {machine: abc}}\ntwo: {action: logic.set, with: {values: {}}}",
    trigger="{type: manual, account: contoso}",
)


async def test_a_run_begins_with_what_has_become_wrong_since_its_version_was_published(embedded: Database) -> None:
    time = Time().start()
    organization = an_organization(embedded)
    account = a_stored_account(embedded, organization, name="contoso")
    catalogue = discover()
    playbook = embedded.run_now(lambda tx: library.publish(tx, organization, TEXT, "ada", catalogue=catalogue)).playbook
    wish = Wish(playbook.name, "ada", account="contoso")
    begun = embedded.run_now(lambda tx: Starter().begin(tx, organization, wish))
    run = embedded.run_now(lambda tx: rows.claim(tx, begun.run_id, owner="worker", lease=30.0))
    assert run is not None
    examiner = Examiner(embedded, catalogue)
    assert await examiner.lines(run) == []
    embedded.run_now(lambda tx: records.disable(tx, account.id))
    assert await examiner.lines(run) == []
    time.pass_by(61)
    (line,) = await examiner.lines(run)
    assert (line["run_id"], line["level"], line["step"]) == (run.id, "warn", None)
    assert "is switched off" in line["message"]


async def test_what_the_checks_cannot_read_stops_no_run(embedded: Database) -> None:
    class Nothing:
        def find(self, action_id: str) -> None:
            raise LookupError(action_id)

        def ids(self) -> tuple[str, ...]:
            return ()

    organization = an_organization(embedded)
    a_stored_account(embedded, organization, name="contoso")
    catalogue = discover()
    playbook = embedded.run_now(lambda tx: library.publish(tx, organization, TEXT, "ada", catalogue=catalogue)).playbook
    begun = embedded.run_now(lambda tx: Starter().begin(tx, organization, Wish(playbook.name, "ada")))
    run = embedded.run_now(lambda tx: rows.claim(tx, begun.run_id, owner="worker", lease=30.0))
    assert run is not None
    assert await Examiner(embedded, Nothing()).lines(run) == []


async def test_a_version_that_only_computes_is_read_once_a_minute_too(embedded: Database) -> None:
    time = Time().start()
    organization = an_organization(embedded)
    account = a_stored_account(embedded, organization, name="contoso")
    embedded.run_now(lambda tx: records.disable(tx, account.id))
    catalogue = discover()
    text = example("one: {action: logic.set, with: {values: {}}}")
    playbook = embedded.run_now(lambda tx: library.publish(tx, organization, text, "ada", catalogue=catalogue)).playbook
    begun = embedded.run_now(lambda tx: Starter().begin(tx, organization, Wish(playbook.name, "ada")))
    run = embedded.run_now(lambda tx: rows.claim(tx, begun.run_id, owner="worker", lease=30.0))
    assert run is not None
    examiner = Examiner(embedded, catalogue)
    assert await examiner.lines(run) == []
    # The text of a version never changes: one that did shows whether it was read again.
    changed = replace(run, source=TEXT)
    assert await examiner.lines(changed) == []
    time.pass_by(61)
    assert await examiner.lines(changed) != []
