"""docs/api.md: its commands are carried out as a reader would, with the variables that it names."""

import re
import shlex
from pathlib import Path

import httpx

from contoso import Contoso
from ringfence.storage import Database
from webfixtures import csrf

PAGE = Path(__file__).parent.parent.parent / "docs" / "api.md"


def _commands() -> list[list[str]]:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [shlex.split(block.replace("\\\n", " ")) for block in blocks]


async def test_each_command_of_the_page_is_answered(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    runs = (await client.get("/api/v1/runs?limit=1")).json()
    known = {
        "$RINGFENCE": "",
        "$CONTAINMENT": contoso.containment_id,
        "$CURSOR": runs["next"],
    }
    commands = _commands()
    assert len(commands) >= 8
    for program, *words in commands:
        assert program == "curl"
        headers, data, method, address = {"X-CSRF-Token": csrf(client, embedded)}, None, "GET", ""
        while words:
            word = words.pop(0)
            if word == "-H":
                name, _, value = words.pop(0).partition(": ")
                # The browser of the test stands for the token.
                headers |= {} if name == "Authorization" else {name: value}
            elif word == "-d":
                data, method = words.pop(0), "POST" if method == "GET" else method
            elif word == "-X":
                method = words.pop(0)
            elif word != "-sS":
                address = word
        for name, value in known.items():
            address = address.replace(name, value)
        answer = await client.request(method, address, headers=headers, content=data)
        assert answer.status_code < 300, (method, address, answer.text)
