"""Keys change while everything runs; whatever breaks off, every secret still opens."""

import base64
import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sealed_samples
from ringfence import clock
from ringfence.audit.events import Event
from ringfence.errors import Conflict, Invalid, Misconfigured, NotFound
from ringfence.security import key_report, masters, rotation
from ringfence.security.crypto import Unopenable, Vault, key_of
from ringfence.security.masters import KEY_FILE
from ringfence.security.sealed import SEALED
from ringfence.security.sealed_values import values_of
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import audit_entries, organization_keys, organizations


class Secrets:
    """What two organizations keep, in a database that is used with a key file of its own."""

    def __init__(self, database: Database, folder: Path) -> None:
        folder.mkdir()
        self.database, self.folder = database, folder
        self.owners = [database.run_now(lambda tx: sealed_samples.organization(tx, clock.new_id())) for _ in range(2)]
        self.kept: dict[tuple[str, str], str] = {}

    @property
    def vault(self) -> Vault:
        """What a process that starts now would use."""
        return Vault(self.folder, self.database)

    def put(self, vault: Vault, owner: int, column: int = 0) -> None:
        """Keep one more secret."""
        each, text = SEALED[column % len(SEALED)], f"secret {len(self.kept)}"
        row_id = self.database.run_now(lambda tx: sealed_samples.put(tx, vault, self.owners[owner], each, text))
        self.kept[self.owners[owner], row_id] = text

    def opened(self, vault: Vault) -> dict[tuple[str, str], str | None]:
        """Return what a vault opens."""

        def work(tx: Transaction) -> dict[tuple[str, str], str | None]:
            return {
                (each.organization_id, each.row_id): each.opened(vault)
                for own in self.owners
                for each in values_of(tx, own)
            }

        return self.database.read_now(work)

    def events(self) -> list[str]:
        """Return what was written down about keys."""
        query = sa.select(audit_entries.c.event).where(audit_entries.c.subject.in_(["key", "master_key"]))
        return sorted(set(self.database.read_now(lambda tx: tx.execute(query).scalars().all())))

    def report(self) -> key_report.Keys:
        """Return how the keys stand."""
        return self.database.read_now(lambda tx: key_report.show(tx, self.vault))


@pytest.fixture
def secrets(embedded: Database, tmp_path: Path) -> Secrets:
    return Secrets(embedded, tmp_path / "installation")


def done(steps: Iterator[rotation.Progress]) -> None:
    for _ in steps:
        pass


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 1), st.integers(0, len(SEALED) - 1)),
        st.tuples(st.just("put by an older process"), st.integers(0, 1), st.integers(0, len(SEALED) - 1)),
        st.tuples(st.just("put by an earlier release"), st.integers(0, 1), st.integers(0, len(SEALED) - 1)),
        # The second number says after how many steps it is broken off.
        st.tuples(st.just("rotate master"), st.integers(0, 1), st.integers(0, 4)),
        st.tuples(st.just("rotate organization"), st.integers(0, 1), st.integers(0, 4)),
        st.tuples(st.just("retire"), st.integers(0, 1), st.integers(0, 5)),
    ),
    max_size=7,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_whatever_is_broken_off_every_secret_opens_and_the_rotation_goes_on(
    database: Database, tmp_path: Path, steps: list[tuple[str, int, int]]
) -> None:
    database.run_now(lambda tx: tx.execute(sa.delete(organizations)))
    secrets = Secrets(database, tmp_path / clock.new_id())
    older = secrets.vault
    for what, owner, number in steps:
        vault = secrets.vault
        match what:
            case "put":
                secrets.put(vault, owner, number)
            case "put by an older process":
                secrets.put(older, owner, number)
            case "put by an earlier release":
                secrets.put(Vault(secrets.folder), owner, number)
            case "rotate master":
                list(islice(rotation.rotate_master(database, vault), number))
            case "rotate organization":
                list(islice(rotation.rotate_organization(database, vault, secrets.owners[owner]), number))
            case "retire":
                report = secrets.report()
                names = [each.id for each in report.masters] + [each.id for each in report.keys]
                # Where something needs it, it must stay.
                with suppress(Conflict):
                    rotation.retire(database, vault, names[number % len(names)])
        assert secrets.opened(secrets.vault) == secrets.opened(older) == secrets.kept
    for owner_id in secrets.owners:
        done(rotation.rotate_organization(database, secrets.vault, owner_id))
    done(rotation.rotate_master(database, secrets.vault))
    report = secrets.report()
    assert (report.to_wrap, report.to_seal) == (0, 0)
    done_with = [each.id for each in report.keys if not each.active] + [
        each.id for each in report.masters if not each.newest
    ]
    for name in done_with:
        rotation.retire(database, secrets.vault, name)
    report = secrets.report()
    assert len(report.masters) == 1
    assert all(each.active for each in report.keys)
    assert secrets.opened(secrets.vault) == secrets.kept


def test_what_an_earlier_release_sealed_is_sealed_by_the_organizations_key(secrets: Secrets) -> None:
    for column in range(len(SEALED)):
        secrets.put(Vault(secrets.folder), 0, column)
    assert secrets.report().to_seal == len(SEALED)
    assert [each.done for each in rotation.migrate(secrets.database, secrets.vault)] == [len(SEALED)]
    report = secrets.report()
    assert (report.to_seal, [each.secrets for each in report.keys]) == (0, [len(SEALED)])
    assert secrets.opened(secrets.vault) == secrets.kept
    assert list(rotation.migrate(secrets.database, secrets.vault)) == []


def test_both_master_keys_are_good_until_the_old_one_is_retired(secrets: Secrets) -> None:
    secrets.put(secrets.vault, 0)
    secrets.put(secrets.vault, 1)
    before = secrets.vault.masters.newest
    content = (secrets.folder / KEY_FILE).read_bytes()
    assert [(each.done, each.all) for each in rotation.rotate_master(secrets.database, secrets.vault)] == [
        (1, 2),
        (2, 2),
    ]
    old_only = Vault(base64.b64decode(content), secrets.database)
    assert secrets.opened(old_only) == secrets.kept
    rotation.retire(secrets.database, secrets.vault, before)
    assert secrets.vault.masters.ids == (secrets.report().masters[0].id,)
    assert set(secrets.opened(old_only).values()) == {None}
    assert secrets.opened(secrets.vault) == secrets.kept
    assert secrets.events() == [Event.KEY_WRAPPED, Event.MASTER_KEY_RETIRED]


def test_a_retirement_that_was_broken_off_before_the_file_was_written_is_ended_by_asking_again(
    secrets: Secrets,
) -> None:
    secrets.put(secrets.vault, 0)
    path = secrets.folder / KEY_FILE
    before = secrets.vault.masters.newest
    done(rotation.rotate_master(secrets.database, secrets.vault))
    content = path.read_bytes()
    rotation.retire(secrets.database, secrets.vault, before)
    path.write_bytes(content)
    assert secrets.opened(secrets.vault) == secrets.kept
    rotation.retire(secrets.database, secrets.vault, before)
    assert before not in secrets.vault.masters.ids
    with pytest.raises(NotFound):
        rotation.retire(secrets.database, secrets.vault, before)


def test_a_running_process_learns_of_a_new_master_key_by_itself(secrets: Secrets) -> None:
    running = secrets.vault
    secrets.put(running, 0)
    before = running.masters.newest
    done(rotation.rotate_master(secrets.database, secrets.vault))
    rotation.retire(secrets.database, secrets.vault, before)
    assert running.masters.newest != before
    assert running.sign("link", "text") == secrets.vault.sign("link", "text")
    secrets.put(running, 1)
    assert secrets.opened(secrets.vault) == secrets.opened(running) == secrets.kept


def test_nothing_that_is_needed_can_be_retired(secrets: Secrets) -> None:
    secrets.put(secrets.vault, 0)
    [key] = secrets.report().keys
    with pytest.raises(Conflict, match="seals for its organization now"):
        rotation.retire(secrets.database, secrets.vault, key.id)
    with pytest.raises(Conflict, match="wraps now"):
        rotation.retire(secrets.database, secrets.vault, secrets.vault.masters.newest)
    # Broken off before the first secret was sealed anew.
    list(islice(rotation.rotate_organization(secrets.database, secrets.vault, secrets.owners[0]), 0))
    rotation_begun = rotation.rotate_organization(secrets.database, secrets.vault, secrets.owners[0])
    next(rotation_begun)
    rotation.retire(secrets.database, secrets.vault, key.id)
    assert secrets.opened(secrets.vault) == secrets.kept
    with pytest.raises(NotFound):
        rotation.retire(secrets.database, secrets.vault, key.id)


def test_a_key_that_still_seals_something_stays(secrets: Secrets) -> None:
    for _ in range(60):
        secrets.put(secrets.vault, 0)
    [key] = secrets.report().keys
    next(rotation.rotate_organization(secrets.database, secrets.vault, secrets.owners[0]))
    with pytest.raises(Conflict, match="10 secrets"):
        rotation.retire(secrets.database, secrets.vault, key.id)
    # Asked again it is ended, and no third key is made.
    assert [each.all for each in rotation.rotate_organization(secrets.database, secrets.vault, secrets.owners[0])] == [
        10
    ]
    assert len(secrets.report().keys) == 2


def test_a_secret_that_is_entered_meanwhile_is_not_overwritten(secrets: Secrets) -> None:
    secrets.put(Vault(secrets.folder), 0)
    [value] = secrets.database.read_now(lambda tx: values_of(tx, secrets.owners[0]))
    newer = secrets.vault.seal(secrets.owners[0], value.purpose, "entered just now")
    secrets.database.run_now(lambda tx: tx.execute(value.column.replace(value.row_id, value.sealed, newer)))
    stale = value.column.replace(value.row_id, value.sealed, "what the rotation sealed")
    assert secrets.database.run_now(lambda tx: tx.execute(stale)).rowcount == 0
    assert set(secrets.opened(secrets.vault).values()) == {"entered just now"}


def test_the_secrets_of_an_organization_whose_keys_are_shredded_are_gone_and_no_others(secrets: Secrets) -> None:
    secrets.put(secrets.vault, 0)
    secrets.put(Vault(secrets.folder), 0)
    secrets.put(secrets.vault, 1)
    running = secrets.vault
    assert secrets.opened(running) == secrets.kept
    assert rotation.shred(secrets.database, secrets.vault, secrets.owners[0]) == 2
    other = {key: text for key, text in secrets.kept.items() if key[0] == secrets.owners[1]}
    # The process that was running too: it keeps no key.
    assert {key: text for key, text in secrets.opened(running).items() if text is not None} == other
    checked = secrets.database.read_now(lambda tx: key_report.check(tx, running))
    assert (checked.secrets, len(checked.unreadable)) == (3, 2)
    with pytest.raises(Invalid, match="has no keys"):
        rotation.shred(secrets.database, secrets.vault, secrets.owners[0])
    assert Event.KEY_SHREDDED in secrets.events()
    secrets.put(secrets.vault, 0)
    assert secrets.database.read_now(lambda tx: key_report.check(tx, secrets.vault)).secrets == 4


def test_nothing_of_a_shredded_key_is_left_in_the_file_of_the_database(secrets: Secrets) -> None:
    secrets.put(secrets.vault, 0)
    wrapped = secrets.database.read_now(lambda tx: tx.scalar(sa.text("SELECT wrapped FROM key_wraps")))
    rotation.shred(secrets.database, secrets.vault, secrets.owners[0])
    name = secrets.database.url.database
    assert name is not None
    found = [path for path in Path(name).parent.glob("ringfence.sqlite3*") if wrapped.encode() in path.read_bytes()]
    assert found == []


def test_a_lost_master_key_is_named_and_hinders_no_rotation_of_what_is_left(secrets: Secrets) -> None:
    secrets.put(secrets.vault, 0)
    (secrets.folder / KEY_FILE).write_bytes(masters.generate().encode())
    lost = secrets.vault
    with pytest.raises(Unopenable, match="which is not in the key file"):
        lost.seal(secrets.owners[0], "account-secret:1", "text")
    [found] = secrets.database.read_now(lambda tx: key_report.check(tx, lost)).unreadable
    assert found.where == "accounts.secret_sealed"
    secrets.put(lost, 1)
    before = lost.masters.newest
    assert len(list(rotation.rotate_master(secrets.database, lost))) == 1
    rotation.retire(secrets.database, lost, before)
    assert rotation.shred(secrets.database, lost, secrets.owners[0]) == 1


def test_keys_of_the_environment_are_added_and_taken_away_by_whoever_runs_the_installation(secrets: Secrets) -> None:
    first, second = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
    old = Vault(masters.variable(first), secrets.database)
    secrets.put(old, 0)
    # Nothing new was given: there is nothing to be done, and nothing is invented.
    assert list(rotation.rotate_master(secrets.database, old)) == []
    both = Vault(masters.variable(f"{first},{second}"), secrets.database)
    done(rotation.rotate_master(secrets.database, both))
    rotation.retire(secrets.database, both, old.masters.newest)
    assert secrets.opened(Vault(masters.variable(second), secrets.database)) == secrets.kept
    with pytest.raises(Misconfigured, match="cannot change"), both.masters.changing():
        both.masters.add()


def test_two_who_seal_the_first_secret_at_once_use_one_key(database: Database, tmp_path: Path) -> None:
    secrets = Secrets(database, tmp_path / "installation")
    vault = secrets.vault
    sealed = [vault.seal(secrets.owners[0], "account-secret:1", "text") for _ in range(3)]
    assert len({key_of(each) for each in sealed}) == 1
    assert database.read_now(lambda tx: tx.scalar(sa.select(sa.func.count()).select_from(organization_keys))) == 1
