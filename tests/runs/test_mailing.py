import pytest

from notification_world import ADDRESS, VAULT, Post, a_channel, mail_server
from ringfence.actions import ActionError
from ringfence.notifications.delivery import Sender
from ringfence.notifications.sending import Mail, Security
from ringfence.organizations import service as organizations
from ringfence.runs.mailing import Mails
from ringfence.runs.outside import Outside
from ringfence.security.egress import networks
from ringfence.storage import Database


async def test_a_mail_goes_by_the_server_of_a_channel_to_whom_the_step_names_once(embedded: Database) -> None:
    organization = embedded.run_now(organizations.ensure_default).id
    with mail_server() as (port, mails):
        target = Mail("127.0.0.1", port, Security.NONE, "soc@contoso.com", ("soc@contoso.com",))
        a_channel(embedded, organization, "mail", target=target)
        outside = Outside(Sender(VAULT, ADDRESS, networks("127.0.0.1")))
        door = Mails(embedded, outside, organization, None)
        for _ in range(2):
            sent = await door.send(by="mail", to=["ines@contoso.com"], subject="Hi", text="There", key="r:s:0")
            assert sent == 1
    (mail,) = mails
    assert (mail["subject"], mail["to"], mail["from"]) == ("Hi", "ines@contoso.com", "soc@contoso.com")


async def test_a_server_that_is_down_is_tried_again_under_the_same_id(embedded: Database) -> None:
    organization = embedded.run_now(organizations.ensure_default).id
    post = Post(down=True)
    target = Mail("smtp.contoso.com", 587, Security.STARTTLS, "soc@contoso.com", ("soc@contoso.com",))
    a_channel(embedded, organization, "mail", target=target)
    door = Mails(embedded, Outside(Sender(VAULT, ADDRESS, (), post)), organization, None)
    with pytest.raises(ActionError, match="is down") as caught:
        await door.send(by="mail", to=["ines@contoso.com"], subject="Hi", text="There", key="r:s:0")
    assert not caught.value.permanent
    post.down = False
    assert await door.send(by="mail", to=["ines@contoso.com"], subject="Hi", text="There", key="r:s:0") == 1
    assert len(post.sent) == 1


async def test_what_cannot_be_sent_is_told(embedded: Database) -> None:
    organization = embedded.run_now(organizations.ensure_default).id
    a_channel(embedded, organization, "chat")
    target = Mail("smtp.contoso.com", 587, Security.STARTTLS, "soc@contoso.com", ("soc@contoso.com",))
    a_channel(embedded, organization, "mail", target=target)
    door = Mails(embedded, Outside(Sender(VAULT, ADDRESS, (), Post())), organization, None)
    for by, to, said in (("chat", "a@contoso.com", "no mail channel"), ("none", "a@contoso.com", "no channel")):
        with pytest.raises(ActionError, match=said):
            await door.send(by=by, to=[to], subject="Hi", text="There", key="r:s:0")
    for wrong in ("a@contoso.com\r\nBcc: b@contoso.com", "nobody", "ü@contoso.com"):
        with pytest.raises(ActionError, match="not a mail address"):
            await door.send(by="mail", to=[wrong], subject="Hi", text="There", key="r:s:0")
    with pytest.raises(ActionError, match="No mail can be sent"):
        await Mails(embedded, None, organization, None).send(by="m", to=["a"], subject="s", text="t", key="k")
