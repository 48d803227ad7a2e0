import pytest

from ringfence.security.sealed import SEALED
from ringfence.storage.tables import account_credentials, metadata


def test_no_sealed_column_is_forgotten() -> None:
    sealed = {column for table in metadata.tables.values() for column in table.c if "sealed" in column.name.split("_")}
    assert sealed == {each.column for each in SEALED}


def test_each_column_is_sealed_for_a_purpose_of_its_own_but_for_the_two_credentials_of_an_account() -> None:
    purposes = [each.purpose for each in SEALED if each.column.table is not account_credentials]
    assert len(set(purposes)) == len(purposes)


@pytest.mark.parametrize("each", SEALED, ids=[each.where for each in SEALED])
def test_a_column_is_named_for_people(each: object) -> None:
    assert str(getattr(each, "where", "")).count(".") == 1
