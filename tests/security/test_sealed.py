import pytest

from ringfence.security.sealed import SEALED
from ringfence.storage.tables import metadata


def test_no_sealed_column_is_forgotten() -> None:
    sealed = {column for table in metadata.tables.values() for column in table.c if "sealed" in column.name.split("_")}
    assert sealed == {each.column for each in SEALED}


def test_each_column_is_sealed_for_a_purpose_of_its_own() -> None:
    # The two credentials of an account change places, and so are sealed for the same account and purpose.
    assert len({each.purpose for each in SEALED}) == len(SEALED) - 1
    assert [each.where for each in SEALED if each.purpose == "account-secret"] == [
        "accounts.secret_sealed",
        "account_credentials.secret_sealed",
    ]


@pytest.mark.parametrize("each", SEALED, ids=[each.where for each in SEALED])
def test_a_column_is_named_for_people(each: object) -> None:
    assert str(getattr(each, "where", "")).count(".") == 1
