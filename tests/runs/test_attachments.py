import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import cast

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from ringfence import clock
from ringfence.actions import ContainmentPort, Context, DefenderPort, Result
from ringfence.errors import Invalid, NotFound
from ringfence.runs import attachments
from ringfence.runs.attachments import PIECE, Attachment, safe_name
from ringfence.runs.model import Run
from ringfence.runs.runner import Runner
from ringfence.storage import Database
from ringfence.storage.tables import attachment_chunks
from ringfence.storage.tables import attachments as table
from run_world import LEASE, Crash, Stage


@pytest.fixture
def stage(database: Database) -> Stage:
    return Stage.set(database, {"one": {"action": "contoso.pure"}})


async def keep(
    stage: Stage,
    run_id: str,
    content: bytes | AsyncIterator[bytes],
    *,
    name: str = "package.zip",
    step: str = "collect",
    iteration: int = 0,
    largest: int = 10 * PIECE,
    media_type: str = "application/zip",
) -> Attachment:
    return await attachments.store(
        stage.database,
        organization_id=stage.organization_id,
        run_id=run_id,
        step=step,
        iteration=iteration,
        name=name,
        content=content,
        media_type=media_type,
        largest=largest,
    )


async def read(stage: Stage, found: Attachment) -> list[bytes]:
    return [piece async for piece in attachments.pieces(stage.database, found)]


def rows(stage: Stage) -> tuple[int, int]:
    """Count the files and the pieces that the database holds."""
    count = sa.func.count()
    return stage.database.read_now(
        lambda tx: (
            tx.scalar(sa.select(count).select_from(table)),
            tx.scalar(sa.select(count).select_from(attachment_chunks)),
        )
    )


async def parts(*given: bytes, then: BaseException | None = None) -> AsyncIterator[bytes]:
    for each in given:
        yield each
    if then is not None:
        raise then


async def test_a_file_comes_back_in_pieces_with_its_size_and_its_digest(stage: Stage) -> None:
    run_id, content = stage.request(), bytes(range(256)) * (PIECE // 100)
    made = await keep(stage, run_id, parts(content[:10], content[10:]))
    assert (made.name, made.size, made.media_type) == ("package.zip", len(content), "application/zip")
    assert made.sha256 == hashlib.sha256(content).hexdigest()
    found = await read(stage, made)
    assert [len(each) for each in found[:-1]] == [PIECE] * (len(content) // PIECE)
    assert b"".join(found) == content == b"".join(attachments.pieces_now(stage.database, made))


async def test_an_empty_file_is_a_file(stage: Stage) -> None:
    made = await keep(stage, stage.request(), b"")
    assert (made.size, await read(stage, made)) == (0, [])


async def test_a_file_is_kept_once_for_each_step_and_name_and_its_content_not_asked_for_again(stage: Stage) -> None:
    run_id = stage.request()
    first = await keep(stage, run_id, b"one")
    again = await keep(stage, run_id, parts(then=AssertionError("nobody needs this")))
    assert again == first
    others = [
        await keep(stage, run_id, b"two", iteration=1),
        await keep(stage, run_id, b"two", step="other"),
        await keep(stage, run_id, b"two", name="other.zip"),
        await keep(stage, stage.request(), b"two"),
    ]
    assert len({each.id for each in (first, *others)}) == 5


async def test_of_two_who_write_the_same_file_the_first_to_end_wins_and_nothing_is_left_of_the_other(
    stage: Stage,
) -> None:
    run_id, inside, go_on = stage.request(), asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"slow"
        inside.set()
        await go_on.wait()

    task = asyncio.create_task(keep(stage, run_id, slow()))
    await inside.wait()
    first = await keep(stage, run_id, b"quick")
    go_on.set()
    assert await task == first
    assert rows(stage) == (1, 1)


async def test_a_file_that_is_too_large_is_refused_and_leaves_nothing(stage: Stage) -> None:
    run_id = stage.request()
    with pytest.raises(Invalid, match="larger than 1000000 bytes") as raised:
        await keep(stage, run_id, parts(b"x" * PIECE, b"x" * PIECE), largest=1_000_000)
    assert "RINGFENCE_ATTACHMENT_LIMIT" in raised.value.advice
    assert rows(stage) == (0, 0)


@pytest.mark.parametrize("ending", [OSError("the connection broke"), asyncio.CancelledError()])
async def test_what_breaks_off_leaves_nothing_and_can_be_written_again(stage: Stage, ending: BaseException) -> None:
    run_id = stage.request()
    with pytest.raises(type(ending)):
        await keep(stage, run_id, parts(b"x" * 2 * PIECE, then=ending))
    assert rows(stage) == (0, 0)
    assert (await keep(stage, run_id, b"whole")).size == 5


async def test_what_a_dead_worker_left_is_seen_by_nobody_and_cleared_away_by_the_next(stage: Stage) -> None:
    run_id = stage.request()
    values = {
        "id": clock.new_id(),
        "organization_id": stage.organization_id,
        "run_id": run_id,
        "step": "collect",
        "iteration": 0,
        "name": "package.zip",
        "media_type": "application/zip",
        "created_at": clock.now(),
    }
    piece = {"attachment_id": values["id"], "number": 0, "content": b"half"}
    stage.database.run_now(lambda tx: tx.execute(sa.insert(table).values(values)))
    stage.database.run_now(lambda tx: tx.execute(sa.insert(attachment_chunks).values(piece)))
    assert stage.database.read_now(lambda tx: attachments.listing(tx, stage.organization_id, run_id)) == ()
    made = await keep(stage, run_id, b"whole")
    assert rows(stage) == (2, 2)
    stage.time.now += timedelta(hours=2)
    await keep(stage, run_id, b"other", name="other.zip")
    assert rows(stage) == (2, 2)
    assert stage.database.read_now(lambda tx: attachments.listing(tx, stage.organization_id, run_id))[0] == made


async def test_a_file_is_found_by_id_by_name_and_where_names_are_equal_by_its_step(stage: Stage) -> None:
    run_id = stage.request()
    first, second = await keep(stage, run_id, b"1", step="a"), await keep(stage, run_id, b"2", step="b", iteration=3)
    only = await keep(stage, run_id, b"3", name="only.txt")

    def get(wanted: str, organization_id: str = stage.organization_id) -> Attachment:
        return stage.database.read_now(lambda tx: attachments.get(tx, organization_id, run_id, wanted))

    assert get("only.txt") == only == get(only.id)
    assert (get("a/package.zip"), get("b[3]/package.zip")) == (first, second)
    with pytest.raises(Invalid, match="2 files") as raised:
        get("package.zip")
    assert raised.value.advice == "Name one of: a/package.zip, b[3]/package.zip."
    with pytest.raises(NotFound) as missing:
        get("nothing")
    assert missing.value.advice == "It has: package.zip, package.zip, only.txt."
    with pytest.raises(NotFound):
        get(only.id, "another organization")


async def test_a_download_is_saved_under_its_name_whatever_the_browser_knows(stage: Stage) -> None:
    made = await keep(stage, stage.request(), b"", name='Gerät "7" 100%.zip')
    assert attachments.disposition(made) == (
        "attachment; filename=\"Ger_t _7_ 100_.zip\"; filename*=UTF-8''Ger%C3%A4t%20_7_%20100_.zip"
    )


async def test_a_media_type_that_is_none_becomes_bytes(stage: Stage) -> None:
    made = await keep(stage, stage.request(), b"", media_type="text/html\r\nSet-Cookie: a=b")
    assert made.media_type == "application/octet-stream"


@pytest.mark.parametrize(
    ("hostile", "safe"),
    [
        ("package.zip", "package.zip"),
        (r"C:\Windows\Temp\dump.dmp", "dump.dmp"),
        ("../../etc/passwd", "passwd"),
        ("/", "file"),
        ("...", "file"),
        ("", "file"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("in\u202evoice\r\n.exe", "in_voice__.exe"),
        ('a"b;c*?.txt', "a_b;c__.txt"),
        ("a\x00b", "a\ufffdb"),
        ("\ud800.txt", "?.txt".replace("?", "_")),
        ("x" * 300 + ".zip", "x" * 116 + ".zip"),
        ("Bericht über Gerät.pdf", "Bericht über Gerät.pdf"),
    ],
)
def test_a_name_from_outside_becomes_one_that_is_safe_everywhere(hostile: str, safe: str) -> None:
    assert safe_name(hostile) == safe


@given(st.text())
def test_whatever_the_name_the_safe_one_is_one_part_of_a_path_and_stays_as_it_is(hostile: str) -> None:
    name = safe_name(hostile)
    assert name
    assert name.isprintable()
    assert not set(name) & set('/\\:"*?<>|')
    assert name not in (".", "..")
    assert len(name.encode()) <= 255
    assert safe_name(name) == name


async def test_a_step_keeps_files_and_refers_to_them_in_its_output_also_when_its_worker_dies_in_between(
    database: Database,
) -> None:
    stage = Stage.set(database, {"collect": {"action": "contoso.write"}})
    asked: list[int] = []
    crashes = [Crash()]

    async def content() -> AsyncIterator[bytes]:
        asked.append(1)
        yield b"whole"

    async def act(context: Context) -> Result:
        reference = await context.attach("../dump.zip", content(), media_type="application/zip")
        if crashes:
            raise crashes.pop()
        return Result(output=reference)

    stage.world.hooks["collect"] = act
    run_id = stage.request()
    with pytest.raises(Crash):
        await stage.carry(run_id)
    stage.time.pass_by(LEASE)
    assert (await stage.carry(run_id, stage.runner("heir")))["status"] == "succeeded"
    (made,) = database.read_now(lambda tx: attachments.listing(tx, stage.organization_id, run_id))
    reference = {"attachment": made.id, "name": "dump.zip", "size": 5, "sha256": made.sha256}
    assert (stage.steps(run_id)["collect"].output, asked) == (reference, [1])


async def test_a_step_whose_file_is_too_large_fails_and_says_what_to_do(database: Database) -> None:
    stage = Stage.set(database, {"collect": {"action": "contoso.write"}})

    async def act(context: Context) -> Result:
        return Result(output=await context.attach("dump.zip", b"x" * 11))

    stage.world.hooks["collect"] = act
    runner = Runner(database, stage.catalogue, ports, owner="first", lease=LEASE, largest_file=10)
    run_id = stage.request()
    await stage.carry(run_id, runner)
    assert "RINGFENCE_ATTACHMENT_LIMIT" in stage.steps(run_id)["collect"].error


def ports(_: Run) -> tuple[DefenderPort, ContainmentPort]:
    return cast("DefenderPort", None), cast("ContainmentPort", None)
