import asyncio
from collections.abc import Sequence
from pathlib import Path

from audit_chain import write_some
from ringfence.audit import heads
from ringfence.audit.head_writer import HeadWriter
from ringfence.audit.heads import SignedHead, Signer
from ringfence.audit.witnesses import FileWitness
from ringfence.storage import Database


class _Unwilling:
    """Takes nothing until it is told to."""

    name = "unwilling"
    willing = False

    def __init__(self) -> None:
        self.kept: list[SignedHead] = []

    def keep(self, heads: Sequence[SignedHead]) -> None:
        if not self.willing:
            raise OSError("not now")
        self.kept += heads


def test_the_heads_of_chains_that_grew_are_added_to_the_file(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / "heads.jsonl"
    writer = HeadWriter(database, Signer(tmp_path), [FileWitness(path)], interval=60.0)
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


def test_a_witness_that_takes_nothing_holds_up_no_other_and_gets_the_newest_heads_later(
    embedded: Database, tmp_path: Path
) -> None:
    unwilling, path = _Unwilling(), tmp_path / "heads.jsonl"
    writer = HeadWriter(embedded, Signer(tmp_path), [unwilling, FileWitness(path)], interval=60.0)
    write_some(embedded, "contoso", 2)
    assert asyncio.run(writer.write()) == 1
    assert (len(path.read_text().splitlines()), unwilling.kept) == (1, [])
    unwilling.willing = True
    assert asyncio.run(writer.write()) == 1
    assert [head.number for head in unwilling.kept] == [2]


def test_the_writer_writes_at_the_end_and_survives_a_folder_that_it_may_not_write_to(
    embedded: Database, tmp_path: Path
) -> None:
    write_some(embedded, "contoso", 1)
    (tmp_path / "blocked").write_text("a file where a folder should be")

    async def work(path: Path) -> None:
        stop = asyncio.Event()
        stop.set()
        await HeadWriter(embedded, Signer(tmp_path), [FileWitness(path)], interval=60.0).run(stop)

    asyncio.run(work(tmp_path / "blocked" / "heads.jsonl"))
    asyncio.run(work(tmp_path / "heads.jsonl"))
    assert len((tmp_path / "heads.jsonl").read_text().splitlines()) == 1
