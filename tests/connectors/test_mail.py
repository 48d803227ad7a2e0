from typing import Any

import pytest

from acting import Scene
from ringfence.actions import ActionError, Result
from ringfence.connectors.mail import connector

MAIL = {"by": "soc-mail", "to": "a@contoso.com", "subject": "Hello", "text": "Line\nLine"}


async def test_a_mail_is_sent_with_one_harmless_line_as_its_subject() -> None:
    scene = Scene()
    inputs: dict[str, Any] = MAIL | {
        "to": [" a@contoso.com", "b@contoso.com"],
        "subject": "One\r\nBcc: evil@x.com\u2028\x07 two",
    }
    assert await connector.actions["mail.send"].call(scene, inputs) == Result("success", {"sent": 2})
    assert scene.mails.sent == [
        {
            "by": "soc-mail",
            "to": ["a@contoso.com", "b@contoso.com"],
            "subject": "One Bcc: evil@x.com two",
            "text": "Line\nLine",
            "key": "run1:one:0",
        }
    ]
    await connector.actions["mail.send"].call(scene, MAIL | {"subject": "x" * 500})
    assert len(scene.mails.sent[1]["subject"]) == 200


@pytest.mark.parametrize("more", [{"to": []}, {"to": ["a@contoso.com"] * 51}, {"subject": "\x00\n"}, {"text": ""}])
async def test_what_is_no_mail_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ActionError) as caught:
        await connector.actions["mail.send"].call(Scene(), MAIL | more)
    assert caught.value.permanent
