import json
import stat
from pathlib import Path

import pytest

from ringfence.audit import heads
from ringfence.audit.heads import SignedHead, Signer
from ringfence.audit.log import Head
from ringfence.errors import Invalid, Misconfigured

HEAD = Head("contoso", 7, "a" * 64)


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    first, second = Signer(tmp_path), Signer(tmp_path)
    assert heads.pem(first.public) == heads.pem(second.public)
    assert stat.S_IMODE((tmp_path / "audit.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["audit.key"]


def test_a_key_that_is_no_key_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "audit.key").write_text("nonsense")
    with pytest.raises(Misconfigured, match=r"audit\.key"):
        Signer(tmp_path)


def test_a_signed_head_is_proven_by_the_public_key_alone(tmp_path: Path) -> None:
    signer = Signer(tmp_path)
    signed = SignedHead.of(signer.sign(HEAD).line())
    public = heads.read_public(heads.pem(signer.public))
    assert heads.is_genuine(signed, public)
    for name, value in (("number", 8), ("hash", "b" * 64), ("organization_id", "fabrikam"), ("signature", "%%%")):
        document = {**json.loads(signed.line()), name: value}
        assert not heads.is_genuine(SignedHead.of(json.dumps(document)), public)


@pytest.mark.parametrize("line", ["", "{}", "[]", "nonsense", '{"kind":"ringfence.audit.head/1"}', "[" * 100_000])
def test_a_line_that_is_no_head_is_refused(line: str) -> None:
    with pytest.raises(Invalid, match="no signed head"):
        SignedHead.of(line)


def test_a_public_key_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid, match="no public key"):
        heads.read_public("nonsense")


def test_a_head_is_read_from_what_a_syslog_server_wrote_down(tmp_path: Path) -> None:
    signed = Signer(tmp_path).sign(HEAD)
    assert SignedHead.of(f"2026-03-01T10:02:03Z soc-01 ringfence[7]: {signed.line()}") == signed
