import base64
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sealed_samples
from ringfence.security.crypto import KEY_BYTES, KEY_FILE, Unopenable, Vault, key_of
from ringfence.storage import Database

MASTER = bytes(range(KEY_BYTES))


def key_file(folder: Path, *masters: bytes, mode: int = 0o600) -> Path:
    path = folder / KEY_FILE
    path.write_bytes(b"".join(base64.b64encode(master) + b"\n" for master in masters))
    path.chmod(mode)
    return path


@given(st.text())
def test_whatever_is_sealed_opens_again(text: str) -> None:
    vault = Vault(MASTER)
    assert vault.open("contoso", "account-secret", vault.seal("contoso", "account-secret", text)) == text


def test_a_sealed_text_does_not_show_what_it_holds_and_is_never_the_same_twice() -> None:
    vault = Vault(MASTER)
    first, second = (vault.seal("contoso", "account-secret", "Pa55word~value") for _ in range(2))
    assert first != second
    assert "Pa55word" not in first
    assert first.startswith("v1:")
    assert len(first.split(":")) == 4


@pytest.mark.parametrize(("organization", "purpose"), [("fabrikam", "account-secret"), ("contoso", "session")])
def test_a_sealed_text_opens_only_for_its_organization_and_purpose(organization: str, purpose: str) -> None:
    vault = Vault(MASTER)
    sealed = vault.seal("contoso", "account-secret", "value")
    with pytest.raises(Unopenable, match="copied from another place"):
        vault.open(organization, purpose, sealed)


@pytest.mark.parametrize("place", range(4))
def test_a_changed_text_is_refused_wherever_it_was_changed(place: int) -> None:
    vault = Vault(MASTER)
    parts = vault.seal("contoso", "account-secret", "value").split(":")
    parts[place] = ("A" if parts[place][0] != "A" else "B") + parts[place][1:]
    with pytest.raises(Unopenable):
        vault.open("contoso", "account-secret", ":".join(parts))


@pytest.mark.parametrize("text", ["", "v1", "v1:a:b", "v1:a:b:", "secret in the clear", "v2:a:b:c", "v3:a:b:c"])
def test_what_is_not_a_sealed_text_is_refused(text: str) -> None:
    with pytest.raises(Unopenable):
        Vault(MASTER).open("contoso", "account-secret", text)


def test_the_error_for_a_lost_key_says_which_file_to_put_back() -> None:
    sealed = Vault(MASTER).seal("contoso", "account-secret", "value")
    with pytest.raises(Unopenable, match="master\\.key"):
        Vault(os.urandom(KEY_BYTES)).open("contoso", "account-secret", sealed)


def test_a_second_line_seals_from_now_on_and_the_first_still_opens(tmp_path: Path) -> None:
    newer = os.urandom(KEY_BYTES)
    old = Vault(MASTER).seal("contoso", "account-secret", "value")
    key_file(tmp_path, MASTER, newer)
    both = Vault(tmp_path)
    assert both.open("contoso", "account-secret", old) == "value"
    assert Vault(newer).open("contoso", "account-secret", both.seal("contoso", "account-secret", "new")) == "new"


def test_a_signature_holds_for_its_text_and_purpose_and_through_a_rotation(tmp_path: Path) -> None:
    first, second = base64.b64encode(bytes(32)), base64.b64encode(bytes(range(32)))
    key_file = tmp_path / "master.key"
    key_file.write_bytes(first + b"\n")
    key_file.chmod(0o600)
    signature = Vault(tmp_path).sign("link", "text")
    key_file.write_bytes(first + b"\n" + second + b"\n")
    rotated = Vault(tmp_path)
    assert rotated.signed("link", "text", signature)
    assert rotated.sign("link", "text") != signature
    assert not rotated.signed("other", "text", signature)
    assert not rotated.signed("link", "text2", signature)
    assert not rotated.signed("link", "text", signature[:-1])
    assert not Vault(bytes(range(32))).signed("link", "text", signature)


def test_what_belongs_to_no_organization_needs_no_key_of_one(embedded: Database, tmp_path: Path) -> None:
    vault = Vault(tmp_path / "keys", embedded)
    sealed = vault.seal_apart("nobody", "decoy", "text")
    assert vault.open("nobody", "decoy", sealed) == "text"
    assert key_of(sealed) == vault.masters.newest


@pytest.mark.parametrize("place", range(4))
def test_with_an_organizations_key_a_changed_text_is_refused_too(
    embedded: Database, tmp_path: Path, place: int
) -> None:
    vault = Vault(tmp_path / "keys", embedded)
    own = embedded.run_now(lambda tx: sealed_samples.organization(tx, "contoso"))
    parts = vault.seal(own, "account-secret", "value").split(":")
    assert (parts[0], len(parts)) == ("v2", 4)
    parts[place] = ("A" if parts[place][0] != "A" else "B") + parts[place][1:]
    with pytest.raises(Unopenable):
        vault.open(own, "account-secret", ":".join(parts))
