import pytest

from ringfence.errors import Invalid
from ringfence.notifications.sending import Mail, Security
from ringfence.web.channel_form import typed


def test_what_is_usual_is_left_empty_and_no_secret_may_be_said_back() -> None:
    said = typed(name="soc", password="s3cret", address="json://s3cret", event=["message"])
    assert "s3cret" not in repr(said)
    assert {"password", "address"}.isdisjoint(said.shown)
    assert said.event == ("message",)


def test_numbers_are_read_or_refused() -> None:
    given = {"name": "soc", "host": "smtp.contoso.com", "to": "a@contoso.com, b@contoso.com"}
    made = typed(**given, port=" 2525 ", pause="2.5").new()  # type: ignore[arg-type]
    assert made.target == Mail(
        "smtp.contoso.com", 2525, Security.STARTTLS, "a@contoso.com", ("a@contoso.com", "b@contoso.com")
    )
    assert made.pause == 2.5
    for wrong in ({"port": "many"}, {"port": "²"}, {"pause": "long"}):
        with pytest.raises(Invalid):
            typed(**given, **wrong).new()  # type: ignore[arg-type]
