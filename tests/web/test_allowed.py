import pytest

from ringfence.security.rbac import Role, acting_as
from ringfence.web.allowed import Allowed


def test_templates_are_told_what_somebody_may_and_why_not() -> None:
    actor = acting_as(Role.ANALYST, user_id="1", name="ines", organization_id="o", label="", how="session")
    may = Allowed(actor)
    assert may("alert:change")
    assert may.why_not("alert:change") == ""
    assert not may("containment:contain")
    assert "Responder" in may.why_not("containment:contain")
    assert not Allowed(None)("alert:read")
    assert Allowed(None).why_not("alert:read") == ""
    with pytest.raises(ValueError, match="alert:raed"):
        may("alert:raed")
