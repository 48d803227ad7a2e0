import asyncio
import json
import stat
from pathlib import Path

import pytest

from audit_chain import write_some
from ringfence.audit import heads
from ringfence.audit.heads import HeadWriter, SignedHead, Signer
from ringfence.audit.log import Head
from ringfence.errors import Invalid, Misconfigured
from ringfence.storage import Database

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


def test_the_heads_of_chains_that_grew_are_added_to_the_file(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / "heads.jsonl"
    writer = HeadWriter(database, Signer(tmp_path), path, interval=60.0)
    write_some(database, "contoso", 2)

    async def work() -> list[int]:
        counts = [await writer.write(), await writer.write()]
        write_some(database, "contoso", 1)
        write_some(database, "fabrikam", 1)
        return [*counts, await writer.write()]

    assert asyncio.run(work()) == [1, 0, 2]
    lines = path.read_text().splitlines()
    assert [head.number for head in heads.read(lines, "contoso")] == [2, 3]
    assert len(heads.read(lines)) == 3


def test_the_writer_writes_at_the_end_and_survives_a_folder_that_it_may_not_write_to(
    embedded: Database, tmp_path: Path
) -> None:
    write_some(embedded, "contoso", 1)
    (tmp_path / "blocked").write_text("a file where a folder should be")

    async def work(path: Path) -> None:
        stop = asyncio.Event()
        stop.set()
        await HeadWriter(embedded, Signer(tmp_path), path, interval=60.0).run(stop)

    asyncio.run(work(tmp_path / "blocked" / "heads.jsonl"))
    asyncio.run(work(tmp_path / "heads.jsonl"))
    assert len((tmp_path / "heads.jsonl").read_text().splitlines()) == 1
