import asyncio

import pytest

from accounts_samples import a_stored_account
from listening_world import a_version
from ringfence.errors import Invalid, NotFound, Outdated
from ringfence.organizations import service as organizations
from ringfence.rehearsals import profiles
from ringfence.storage import Database


def test_inputs_are_kept_replaced_found_and_forgotten(database: Database) -> None:
    contoso = database.run_now(lambda tx: organizations.create(tx, "contoso")).id
    fabrikam = database.run_now(lambda tx: organizations.create(tx, "fabrikam")).id

    def save(name: str, value: int, organization: str = contoso) -> profiles.Profile:
        return database.run_now(
            lambda tx: profiles.save(tx, organization, "One", name, by="adele", document={"body": {"a": value}})
        )

    first = save("low", 1)
    again = save(" low ", 2)
    assert (again.id, again.document, again.saved_by) == (first.id, {"body": {"a": 2}}, "adele")
    save("low", 3, fabrikam)
    save("high", 4)
    assert [each.name for each in database.read_now(lambda tx: profiles.every(tx, contoso, "One"))] == ["high", "low"]
    assert database.read_now(lambda tx: profiles.every(tx, contoso, "Two")) == []
    database.run_now(lambda tx: profiles.remove(tx, contoso, "One", "low"))
    with pytest.raises(NotFound) as missing:
        database.read_now(lambda tx: profiles.get(tx, contoso, "One", "hig"))
    assert "Did you mean 'high'?" in missing.value.advice
    assert len(database.read_now(lambda tx: profiles.every(tx, fabrikam))) == 1


async def test_of_several_who_keep_an_input_at_once_one_is_first_and_the_others_are_told(database: Database) -> None:
    contoso = database.run_now(lambda tx: organizations.create(tx, "contoso")).id

    async def save(value: str, seen: str) -> profiles.Profile:
        document = {"body": value}
        return await database.run(
            lambda tx: profiles.save(tx, contoso, "One", "low", by="adele", document=document, seen=seen)
        )

    for _ in ("made", "changed"):
        seen = database.read_now(lambda tx: profiles.edition(tx, contoso, "One", "low"))
        ended = await asyncio.gather(*(save(each, seen) for each in ("a", "b", "c")), return_exceptions=True)
        (first,) = [each for each in ended if isinstance(each, profiles.Profile)]
        assert sum(isinstance(each, Outdated) for each in ended) == 2, ended
        assert database.read_now(lambda tx: profiles.every(tx, contoso)) == [first]


def test_of_a_stored_alert_a_copy_is_kept(embedded: Database) -> None:
    organization = embedded.run_now(lambda tx: organizations.create(tx, "contoso")).id
    account = a_stored_account(embedded, organization, name="one")
    a_version(embedded, organization, account.id, "da1", title="Seen")
    made = embedded.run_now(lambda tx: profiles.save(tx, organization, "One", "seen", by="adele", alert="da1"))
    assert (made.document["alert"]["title"], made.account, made.origin) == ("Seen", "one", "alert da1")


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("one", {}, "a stored alert or a document"),
        ("one", {"alert": "x", "document": {}}, "a stored alert or a document"),
        ("", {"document": {}}, "cannot be a profile's name"),
        ("a\nb", {"document": {}}, "cannot be a profile's name"),
        ("one", {"document": {"a": float("nan")}}, "cannot be kept"),
        ("one", {"document": {"a": ["x" * 1_000] * 1_020}}, "characters"),
    ],
)
def test_what_does_not_fit_is_refused(embedded: Database, name: str, given: dict[str, object], said: str) -> None:
    organization = embedded.run_now(lambda tx: organizations.create(tx, "contoso")).id
    with pytest.raises(Invalid, match=said):
        embedded.run_now(lambda tx: profiles.save(tx, organization, "One", name, by="adele", **given))  # type: ignore[arg-type]


def test_there_is_an_end_to_how_many_are_kept(embedded: Database) -> None:
    organization = embedded.run_now(lambda tx: organizations.create(tx, "contoso")).id

    def fill(number: int) -> None:
        embedded.run_now(
            lambda tx: [
                profiles.save(tx, organization, "One", str(each), by="adele", document={}) for each in range(number)
            ]
        )

    fill(profiles.MOST)
    with pytest.raises(Invalid, match="has 200 profiles"):
        fill(profiles.MOST + 1)
