from dataclasses import replace
from datetime import timedelta

import pytest

from accounts_samples import NEW
from ringfence import clock
from ringfence.accounts.entering import NewAccount, draft_of, secret_of, usable_name
from ringfence.accounts.model import AccountState
from ringfence.errors import Invalid


def test_a_draft_holds_what_was_entered_and_no_secret() -> None:
    new = replace(NEW, name=" contoso ", region="EU", features=("users",))
    draft = draft_of("organization", new)
    assert (draft.name, draft.region, draft.features) == ("contoso", "EU", ("contain", "users"))
    assert (draft.state, draft.secret_sealed, draft.proven_at) == (AccountState.PENDING, "", None)


def test_what_cannot_be_used_is_refused_before_anybody_is_asked() -> None:
    yesterday = clock.now().date() - timedelta(days=1)
    cases: list[tuple[NewAccount, str]] = [
        (replace(NEW, client_id=NEW.tenant_id.upper()), "are the same"),
        (replace(NEW, secret=NEW.client_id), "same as one of the ids"),
        (replace(NEW, secret_expires_on=yesterday), "has expired on"),
        (replace(NEW, region="Atlantis"), "no region"),
        (replace(NEW, cloud="gcc", region="EU"), "no region"),
        (replace(NEW, features=("fly",)), "no feature"),
        (replace(NEW, graph_url="https://graph.contoso.com"), "without those of sign-in"),
        (replace(NEW, audience="https://api.contoso.com"), "without those of sign-in"),
    ]
    for new, said in cases:
        with pytest.raises(Invalid, match=said) as caught:
            draft_of("organization", new)
        assert caught.value.advice


def test_a_private_cloud_has_its_own_addresses_and_audience() -> None:
    new = replace(
        NEW,
        login_url="https://login.contoso.com",
        api_url="https://api.contoso.com",
        graph_url="https://graph.contoso.com",
        audience="api://defender",
    )
    assert draft_of("organization", new).audience == "api://defender"
    with pytest.raises(Invalid, match="audience"):
        draft_of("organization", replace(new, audience="nonsense"))


def test_secrets_and_names_lose_the_blanks_around_them() -> None:
    assert secret_of(" s3cret ", None) == ("s3cret", None, None)
    assert usable_name(" contoso ") == "contoso"
    with pytest.raises(Invalid):
        usable_name("a\x00b")
