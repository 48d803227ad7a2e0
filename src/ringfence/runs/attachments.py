"""Files that steps leave behind: written and read in pieces, kept at most once for each step key and name.

A file is nobody's until it is whole: only then does its row get the key under which it is found, in the transaction that
counts it. What a dead worker left unfinished is cleared away by whoever writes next.
"""

import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ringfence import clock
from ringfence.errors import Invalid, NotFound
from ringfence.playbooks.rounds import in_brackets
from ringfence.storage import Database, Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import attachment_chunks, attachments, runs

PIECE: Final = 512 * 1024
LARGEST: Final = 256 * 1024 * 1024
LONGEST_NAME: Final = 120
_NAMELESS: Final = "file"
# Longer than any call of an action may take, so that nobody can still be writing it.
_ABANDONED: Final = timedelta(hours=1)
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,100}")
_FORBIDDEN: Final = re.compile(r'[<>:"|?*%\x00-\x1f\x7f]')
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A whole file; `size` is in bytes."""

    id: str
    run_id: str
    step: str
    iteration: int
    name: str
    media_type: str
    size: int
    sha256: str
    created_at: datetime

    @classmethod
    def of(cls, row: sa.RowMapping) -> "Attachment":
        """Read a row."""
        return cls(**{name: row[name] for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class Files:
    """Where the steps of runs keep files, and how many bytes the largest may have."""

    database: Database
    largest: int = LARGEST


def safe_name(given: str) -> str:
    """Return a name that any file system takes and that shows what it is: no path, no control, no reversed writing."""
    last = re.split(r"[\\/]", given.strip())[-1]
    shown = "".join(each if each.isprintable() else "_" for each in storable(last))
    name = _FORBIDDEN.sub("_", shown).strip(". ")
    if not name:
        name = _NAMELESS
    if _DEVICE.match(name):
        name = f"_{name}"
    if len(name) > LONGEST_NAME:
        stem, dot, ending = name.rpartition(".")
        keeps = dot and len(ending) <= 12
        name = f"{stem[: LONGEST_NAME - len(ending) - 1]}.{ending}" if keeps else name[:LONGEST_NAME]
    while len(name.encode()) > 2 * LONGEST_NAME:
        # File systems count bytes.
        middle = len(name) // 2
        name = name[: middle - 1] + name[middle:]
    return name


def listing(tx: Transaction, organization_id: str, run_id: str) -> tuple[Attachment, ...]:
    """Return the files of a run, the oldest first; NotFound where this organization has no such run."""
    run = sa.select(runs.c.id).where(runs.c.id == run_id, runs.c.organization_id == organization_id)
    if tx.scalar(run) is None:
        raise NotFound("There is no such run.", advice="Look for it among the executions.")
    return tuple(Attachment.of(row) for row in tx.all(_whole(organization_id, run_id)))


def get(tx: Transaction, organization_id: str, run_id: str, wanted: str) -> Attachment:
    """Return a file of a run by its id, its name, or `step/name`; NotFound or Invalid where that is not exactly one."""
    found = listing(tx, organization_id, run_id)
    for each in found:
        if each.id == wanted:
            return each
    named = [each for each in found if wanted in (each.name, address(each))]
    if len(named) == 1:
        return named[0]
    if named:
        raise Invalid(
            f"{len(named)} files of this run are called {wanted}.",
            advice=f"Name one of: {', '.join(address(each) for each in named)}.",
        )
    there = f"It has: {', '.join(each.name for each in found)}." if found else "It has none."
    raise NotFound("This run has no such file.", advice=there)


def address(attachment: Attachment) -> str:
    """Return `step/name`, which tells files of one name apart."""
    return f"{attachment.step}{in_brackets(attachment.iteration)}/{attachment.name}"


def disposition(attachment: Attachment) -> str:
    """Return the Content-Disposition of a download (RFC 6266): always saved, never shown."""
    plain = "".join(each if each.isascii() and each not in '"\\%' else "_" for each in attachment.name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(attachment.name, safe='')}"


def pieces_now(database: Database, attachment: Attachment) -> Iterator[bytes]:
    """Yield the content in this thread, a piece at a time."""
    number = 0
    while (piece := database.read_now(partial(_piece, attachment_id=attachment.id, number=number))) is not None:
        yield piece
        number += 1


async def pieces(database: Database, attachment: Attachment) -> AsyncIterator[bytes]:
    """Yield the content a piece at a time, off the event loop."""
    number = 0
    while (piece := await database.read(partial(_piece, attachment_id=attachment.id, number=number))) is not None:
        yield piece
        number += 1


async def store(
    database: Database,
    *,
    organization_id: str,
    run_id: str,
    step: str,
    iteration: int,
    name: str,
    content: bytes | AsyncIterable[bytes],
    media_type: str,
    largest: int,
) -> Attachment:
    """Keep a file once for each step, iteration and name; where it is kept already, `content` is not even asked.

    Raises Invalid for more than `largest` bytes, and keeps nothing then.
    """
    name = safe_name(name)
    key = f"{run_id}:{step}:{iteration}:{name}"
    there = await database.read(lambda tx: _by_key(tx, key))
    if there is not None:
        return there
    values: dict[str, Any] = {
        "id": clock.new_id(),
        "organization_id": organization_id,
        "run_id": run_id,
        "step": step,
        "iteration": iteration,
        "name": name,
        "media_type": media_type if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream",
        "created_at": clock.now(),
    }
    await database.run(lambda tx: _begin(tx, values))
    try:
        size, sha256 = await _write(database, values["id"], content, largest, name)
        return await database.run(lambda tx: _end(tx, values, key, size, sha256))
    except IntegrityError:
        await database.run(lambda tx: _discard(tx, values["id"]))
        first = await database.read(lambda tx: _by_key(tx, key))
        if first is None:
            raise
        return first
    except BaseException:
        await database.run(lambda tx: _discard(tx, values["id"]))
        raise


async def _write(
    database: Database, attachment_id: str, content: bytes | AsyncIterable[bytes], largest: int, name: str
) -> tuple[int, str]:
    """Write the pieces; returns size and SHA-256."""
    digest, size, number = hashlib.sha256(), 0, 0
    held = bytearray()

    async def flush(most: int) -> None:
        nonlocal number
        while len(held) >= most and held:
            piece = bytes(held[:PIECE])
            del held[:PIECE]
            await database.run(partial(_append, attachment_id=attachment_id, number=number, content=piece))
            number += 1

    async with aclosing(_parts(content)) as parts:
        async for part in parts:
            size += len(part)
            if size > largest:
                raise Invalid(
                    f"The file {name} is larger than {largest} bytes, which is the most that is kept.",
                    advice="Fetch it from Defender's portal, or raise RINGFENCE_ATTACHMENT_LIMIT.",
                )
            digest.update(part)
            held += part
            await flush(PIECE)
    await flush(1)
    return size, digest.hexdigest()


async def _parts(content: bytes | AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    if isinstance(content, bytes):
        for start in range(0, len(content), PIECE):
            yield content[start : start + PIECE]
        return
    if isinstance(content, AsyncGenerator):
        async with aclosing(content):
            async for part in content:
                yield part
        return
    async for part in content:
        yield part


_COLUMNS = [attachments.c[name] for name in Attachment.__slots__]


def _whole(organization_id: str, run_id: str) -> sa.Select[Any]:
    table = attachments.c
    return (
        sa.select(*_COLUMNS)
        .where(table.run_id == run_id, table.organization_id == organization_id, table.whole_key.is_not(None))
        .order_by(table.id)
    )


def _by_key(tx: Transaction, key: str) -> Attachment | None:
    row = tx.one(sa.select(*_COLUMNS).where(attachments.c.whole_key == key))
    return Attachment.of(row) if row is not None else None


def _begin(tx: Transaction, values: dict[str, Any]) -> None:
    abandoned = sa.and_(attachments.c.whole_key.is_(None), attachments.c.created_at < clock.now() - _ABANDONED)
    tx.execute(sa.delete(attachments).where(abandoned))
    tx.execute(sa.insert(attachments).values(values))


def _append(tx: Transaction, *, attachment_id: str, number: int, content: bytes) -> None:
    tx.execute(sa.insert(attachment_chunks), {"attachment_id": attachment_id, "number": number, "content": content})


def _end(tx: Transaction, values: dict[str, Any], key: str, size: int, sha256: str) -> Attachment:
    tx.execute(
        sa.update(attachments)
        .where(attachments.c.id == values["id"])
        .values(whole_key=key, size=size, sha256=sha256, created_at=clock.now())
    )
    tx.changed(values["organization_id"], "run", values["run_id"], "attachment")
    made = _by_key(tx, key)
    if made is None:
        raise NotFound("The file was cleared away while it was being written.", advice="Run the step again.")
    return made


def _discard(tx: Transaction, attachment_id: str) -> None:
    tx.execute(sa.delete(attachments).where(attachments.c.id == attachment_id))


def _piece(tx: Transaction, *, attachment_id: str, number: int) -> bytes | None:
    found = tx.scalar(
        sa.select(attachment_chunks.c.content).where(
            attachment_chunks.c.attachment_id == attachment_id, attachment_chunks.c.number == number
        )
    )
    return bytes(found) if found is not None else None
