from pathlib import Path

import sealed_samples
from ringfence.security.crypto import Unopenable, Vault
from ringfence.security.sealed import SEALED
from ringfence.security.sealed_values import every_organization, values_of
from ringfence.storage import Database, Transaction


def test_every_sealed_text_is_found_in_its_own_organization_only_and_opens_nowhere_else(
    database: Database, tmp_path: Path
) -> None:
    vault = Vault(tmp_path / "keys", database)

    def work(tx: Transaction) -> None:
        own, other = (sealed_samples.organization(tx, name) for name in ("contoso", "fabrikam"))
        for each in SEALED:
            for _ in range(2):
                sealed_samples.put(tx, vault, own, each, "text")
        found = values_of(tx, own)
        assert [each.opened(vault) for each in found] == ["text"] * 2 * len(SEALED)
        assert not any(each.derived for each in found)
        assert values_of(tx, other) == []
        assert {own, other} <= set(every_organization(tx))
        # A sealed text that is moved to another row, another column or another organization does not open there.
        for value in found:
            for place in found:
                moved = vault_opens(vault, own, place.purpose, value.sealed)
                assert moved == (value is place)
            assert not vault_opens(vault, other, value.purpose, value.sealed)

    database.run_now(work)


def vault_opens(vault: Vault, organization_id: str, purpose: str, sealed: str) -> bool:
    try:
        vault.open(organization_id, purpose, sealed)
    except Unopenable:
        return False
    return True
