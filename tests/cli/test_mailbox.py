import asyncio
from pathlib import Path

import pytest

from cli_world import Ringfence
from dovecot import PASSWORD, Dovecot
from listening_world import publish
from ringfence.listeners.inbox import Inbox
from ringfence.settings import Settings


def options(dovecot: Dovecot, folder: Path) -> list[str]:
    (folder / "ca.pem").write_text(dovecot.ca)
    where = ["--host", "127.0.0.1", "--port", str(dovecot.implicit), "--user", dovecot.user]
    return [*where, "--ca-file", str(folder / "ca.pem")]


def test_a_mailbox_is_connected_followed_and_removed(ringfence: Ringfence, dovecot: Dovecot, tmp_path: Path) -> None:
    ringfence.secret = PASSWORD
    made = ringfence.json("mailbox", "add", "abuse", *options(dovecot, tmp_path))["mailbox"]
    assert (made["name"], made["state"], made["tls"], made["afterwards"]) == ("abuse", "new", "implicit", "seen")
    assert PASSWORD not in str(made)
    installation = ringfence.open(Settings(data=ringfence.data))
    publish(installation.database, installation.organization().id, "Look", "{type: mailbox, mailbox: abuse}")
    dovecot.deliver(b"From: a@fabrikam.com\r\nSubject: look at this\r\n\r\nhello\r\n")

    async def work() -> None:
        stop = asyncio.Event()
        task = asyncio.create_task(Inbox(installation.database, installation.vault, refresh=0.05).run_forever(stop))
        async with asyncio.timeout(90):
            while not ringfence.json("run", "list")["items"]:  # noqa: ASYNC110 - a row, which rings no bell here
                await asyncio.sleep(0.05)
        stop.set()
        await task

    asyncio.run(work())
    installation.close()
    (came,) = ringfence.json("mailbox", "messages", "abuse")["items"]
    assert (came["subject"], came["outcomes"][0]["playbook"]) == ("look at this", "Look")
    assert "look at this" in ringfence("mailbox", "messages", "abuse").stdout
    assert [each["state"] for each in ringfence.json("mailbox", "list")["items"]] == ["followed"]
    assert "followed" in ringfence("mailbox", "list").stdout
    ringfence("mailbox", "remove", "abuse")
    assert ringfence.json("mailbox", "list")["items"] == []


def test_a_mailbox_that_does_not_work_is_not_stored(ringfence: Ringfence, dovecot: Dovecot, tmp_path: Path) -> None:
    ringfence.secret = "wrong"
    error = ringfence.error("mailbox", "add", "abuse", *options(dovecot, tmp_path))
    assert error["code"] == "mailbox_refused"
    assert ringfence.json("mailbox", "list")["items"] == []


def test_mistakes_are_told(ringfence: Ringfence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = ["--host", "127.0.0.1", "--port", "1", "--user", "soc"]
    assert "--password-file" in ringfence.error("mailbox", "add", "abuse", *where)["advice"]
    monkeypatch.setenv("RINGFENCE_MAILBOX_PASSWORD", "x")
    assert ringfence.error("mailbox", "add", "abuse", *where)["code"] == "unavailable"
    moving = ringfence.error("mailbox", "add", "abuse", *where, "--afterwards", "move")
    assert moving["problems"] == ["A folder to move mails to goes with `move`, and only with it."]
    lost = ringfence.error("mailbox", "add", "abuse", *where, "--ca-file", str(tmp_path / "none.pem"))
    assert "none.pem" in lost["message"]
    assert "ringfence mailbox add" in ringfence("mailbox", "list").stderr
    assert ringfence.error("mailbox", "messages", "abuse")["code"] == "not_found"


def test_the_password_may_come_from_a_file_or_from_stdin(ringfence: Ringfence, tmp_path: Path) -> None:
    where = ["--host", "127.0.0.1", "--port", "1", "--user", "soc"]
    (tmp_path / "password").write_text("x\n")
    for given, stdin in ((str(tmp_path / "password"), None), ("-", "x\n")):
        error = ringfence.error("mailbox", "add", "abuse", *where, "--password-file", given, stdin=stdin)
        assert error["code"] == "unavailable"
