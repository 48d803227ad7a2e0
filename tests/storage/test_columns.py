"""Columns mean the same on both databases."""

import pytest
import sqlalchemy as sa

from ringfence.storage import Database, Transaction
from ringfence.storage.columns import storable


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("plain", "plain"),
        ("nul\x00inside", "nul\ufffdinside"),
        ("half \ud800 a pair", "half ? a pair"),
        ("é\u202e", "é\u202e"),
    ],
)
def test_what_a_database_cannot_hold_is_replaced_and_the_rest_is_kept(text: str, kept: str, database: Database) -> None:
    assert storable(text) == kept

    def there_and_back(tx: Transaction) -> object:
        return tx.scalar(sa.select(sa.cast(sa.literal(storable(text)), sa.Text)))

    assert database.run_now(there_and_back) == kept
