"""Where the audit log cannot be written, nothing is administered and no host is touched: looked for and tried."""

import ast
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

import ringfence
from audit_chain import refuse_audit
from contoso import Contoso
from ringfence import clock
from ringfence.accounts import records as accounts
from ringfence.audit import log
from ringfence.containment import brakes, policies
from ringfence.containment import service as containment
from ringfence.incidents import service as incidents
from ringfence.incidents.model import Author, Resolution
from ringfence.listeners import webhooks
from ringfence.notifications import channels
from ringfence.notifications.sending import Service
from ringfence.organizations import service as organizations
from ringfence.outbound import destinations
from ringfence.playbooks import library
from ringfence.runs import cancelling
from ringfence.security import links, people
from ringfence.services import records as services
from ringfence.services import service as deciding
from ringfence.services.model import Service as TriggerService
from ringfence.storage import Database, Transaction
from ringfence.storage.tables.schema import metadata
from ringfence.tables import service as lists
from webfixtures import contoso, embedded, filled
from webserver import VAULT

__all__ = ["contoso", "embedded", "filled"]
SOURCE = Path(ringfence.__file__).parent
Work = Callable[[Transaction, Contoso], object]


def _contain(tx: Transaction, it: Contoso) -> object:
    return containment.request(
        tx,
        organization_id=it.organization_id,
        account_id=it.account_id,
        target="c" * 40,
        reason="Test",
        requested_by="megan",
        key="person:1",
    )


def _policy(tx: Transaction, it: Contoso) -> object:
    scope = policies.Scope(it.organization_id)
    version = policies.newest(tx, scope).version
    return policies.write(tx, scope, {"max_per_hour": 3}, expected_version=version, by="megan")


def _freeze(tx: Transaction, it: Contoso) -> object:
    return policies.freeze(tx, policies.Scope(it.organization_id), on=True, by="megan", reason="Test")


def _first_service(tx: Transaction, it: Contoso) -> TriggerService:
    return services.every(tx, it.organization_id)[0]


WRITES: dict[str, Work] = {
    "account:disabled": lambda tx, it: accounts.disable(tx, it.account_id),
    "account:failed": lambda tx, it: accounts.mark_failed(tx, it.account_id, "Refused."),
    "channel:added": lambda tx, it: channels.add(
        tx, VAULT, it.organization_id, channels.NewChannel("new", Service("json://contoso.com")), by="megan"
    ),
    "containment:requested": _contain,
    "containment:release_requested": lambda tx, it: containment.let_go(tx, it.containment_id, by="megan", reason="."),
    "destination:allowed": lambda tx, it: destinations.allow(tx, it.organization_id, "a.contoso.com", "", by="megan"),
    "incident:closed": lambda tx, it: incidents.close(
        tx, it.organization_id, it.incident_number, Author("megan"), resolution=Resolution.FALSE_POSITIVE, reason="."
    ),
    "organization:created": lambda tx, it: organizations.create(tx, "fabrikam-2"),
    "playbook:paused": lambda tx, it: library.pause(tx, it.organization_id, it.playbook_id),
    "policy:brake_lifted": lambda tx, it: brakes.lift(tx, it.organization_id, seconds=60, by="megan", reason="."),
    "policy:changed": _policy,
    "policy:frozen": _freeze,
    "run:cancelled": lambda tx, it: cancelling.request(tx, it.organization_id, it.live_run_id, by="megan"),
    "service:created": lambda tx, it: deciding.create(
        tx, it.organization_id, it.account_id, "another", deciding.Wanted()
    ),
    "service:paused": lambda tx, it: deciding.pause(tx, _first_service(tx, it)),
    "service:removed": lambda tx, it: services.remove(tx, _first_service(tx, it)),
    "sign_in:link_made": lambda tx, it: links.create(tx, it.user_id),
    "table:created": lambda tx, it: lists.make(tx, it.organization_id, "vips", "text", "", by="megan"),
    "user:created": lambda tx, it: people.ensure(tx, it.organization_id, "nobody-yet"),
    "webhook:created": lambda tx, it: webhooks.add(tx, VAULT, it.organization_id, "new", "megan"),
}
"""One write for each way that administration and containment reach the log, by the event that it is written down as."""


def _print(database: Database) -> str:
    """Return a hash of everything that the database holds."""
    found = hashlib.sha256()
    with database.reading() as tx:
        for table in metadata.sorted_tables:
            rows = tx.connection.exec_driver_sql(f'SELECT * FROM "{table.name}"').all()
            found.update(repr((table.name, sorted(map(repr, rows)))).encode())
    return found.hexdigest()


class _Undone(Exception):
    """Takes a transaction back."""


def test_each_of_these_is_written_down_and_none_is_done_where_that_fails(embedded: Database, contoso: Contoso) -> None:
    clock.replace(lambda: 1_790_000_000.0)

    def told(event: str) -> None:
        with embedded.transaction() as tx:
            before = log.head(tx, contoso.organization_id)
            WRITES[event](tx, contoso)
            tx.do_last()
            last = log.head(tx, contoso.organization_id)
            made = [each.event for head in log.heads(tx) for each in log.entries(tx, head.organization_id)]
            assert event in made[before.number if before else 0 :], event
            assert last is not None
            raise _Undone

    untouched = _print(embedded)
    for event in WRITES:
        with pytest.raises(_Undone):
            told(event)
    assert _print(embedded) == untouched
    refuse_audit(embedded)
    for event, work in WRITES.items():
        with pytest.raises(IntegrityError, match="refused"):
            embedded.run_now(lambda tx: work(tx, contoso))  # noqa: B023
        assert _print(embedded) == untouched, event


def _calls() -> Iterator[tuple[str, ast.Call, list[ast.AST]]]:
    """Yield each place where an entry is written, with what it stands in, the outermost first."""

    def walk(node: ast.AST, above: list[ast.AST]) -> Iterator[tuple[ast.Call, list[ast.AST]]]:
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "write"
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in names
        ):
            yield node, above
        for child in ast.iter_child_nodes(node):
            yield from walk(child, [*above, node])

    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "ringfence.audit" not in text:
            continue
        tree = ast.parse(text)
        names = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "ringfence.audit"
            for alias in node.names
            if alias.name == "log"
        }
        for call, above in walk(tree, []):
            yield f"{path.relative_to(SOURCE)}:{call.lineno}", call, above


def test_every_entry_is_written_in_the_transaction_of_who_makes_the_change_and_no_failure_of_it_is_swallowed() -> None:
    places = list(_calls())
    assert len(places) > 40
    for place, call, above in places:
        transaction = call.args[0]
        assert isinstance(transaction, ast.Name), place
        functions = [each for each in above if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)]
        given = {argument.arg for each in functions for argument in (*each.args.args, *each.args.kwonlyargs)}
        assert transaction.id in given, f"{place} does not write in a transaction that it is given"
        nearest = max(index for index, each in enumerate(above) if each is functions[-1])
        guards = [each for each in above[nearest:] if isinstance(each, ast.Try) and each.handlers]
        assert guards == [], f"{place} may go on where the entry cannot be written"
