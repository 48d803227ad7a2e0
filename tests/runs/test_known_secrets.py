"""Every secret that Ringfence seals for an organization is known, and hidden wherever it turns up."""

import json

import pytest

import sealed_samples
from ringfence.runs import known_secrets
from ringfence.security.crypto import Vault
from ringfence.security.hiding import HIDDEN
from ringfence.security.sealed import SEALED
from ringfence.storage import Database, Transaction
from sealed_samples import organization

VAULT = Vault(bytes(32))


SECRETS = [each for each in SEALED if each.hidden]


@pytest.mark.parametrize("number", range(len(SECRETS)), ids=[each.column.table.name for each in SECRETS])
def test_what_is_sealed_is_hidden_and_that_of_others_is_not_known(embedded: Database, number: int) -> None:
    each, secret = SECRETS[number], "canary-of-contoso-42"

    def put(tx: Transaction) -> tuple[str, str]:
        own, other = (organization(tx, name) for name in ("contoso", "fabrikam"))
        sealed_samples.put(tx, VAULT, own, each, json.dumps({"password": secret, "to": ["soc"]}))
        return own, other

    own, other = embedded.run_now(put)
    assert embedded.read_now(lambda tx: known_secrets.hider(tx, VAULT, own)).text(f"a {secret} b") == f"a {HIDDEN} b"
    assert embedded.read_now(lambda tx: known_secrets.hider(tx, VAULT, other)).text(secret) == secret
    # With another key there is nothing to be known, and no failure.
    strange = Vault(bytes([1]) * 32)
    assert embedded.read_now(lambda tx: known_secrets.hider(tx, strange, own)).text(secret) == secret
