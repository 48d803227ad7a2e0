from typing import Any

import pytest

from ringfence.errors import Invalid
from ringfence.notifications.sending import Mail, Security, Service
from ringfence.notifications.shapes import new_channel


def test_a_service_or_a_mail_is_meant() -> None:
    assert new_channel("soc", address=" json://hooks.contoso.com/x ").target == Service("json://hooks.contoso.com/x")
    mail = new_channel("ines", host="smtp.contoso.com", to=["ines@contoso.com", " "], person="ines").target
    assert mail == Mail("smtp.contoso.com", 587, Security.STARTTLS, "ines@contoso.com", ("ines@contoso.com",))


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_port_is_by_default_that_of_the_protection(security: str, port: int) -> None:
    target = new_channel("x", host="smtp.contoso.com", to=["a@contoso.com"], security=security).target
    assert isinstance(target, Mail)
    assert target.port == port


@pytest.mark.parametrize("given", [{}, {"address": "json://x", "host": "smtp"}, {"host": "smtp", "security": "hope"}])
def test_what_is_neither_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        new_channel("x", **given)
