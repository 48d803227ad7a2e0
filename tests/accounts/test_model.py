from dataclasses import replace

import pytest

from accounts_samples import an_account
from ringfence.accounts.model import (
    TRANSITIONS,
    AccountDisabled,
    AccountFailed,
    AccountPending,
    AccountState,
    refusal,
    sources,
)


def test_every_state_can_be_left_and_reached() -> None:
    assert set(TRANSITIONS) == set(AccountState)
    for state in AccountState:
        assert TRANSITIONS[state]
        assert sources(state)
        assert state not in TRANSITIONS[state]


def test_a_disabled_account_is_proven_before_it_is_healthy_again() -> None:
    assert TRANSITIONS[AccountState.DISABLED] == {AccountState.PENDING}


def test_only_a_healthy_account_is_used() -> None:
    assert refusal(an_account(state=AccountState.HEALTHY)) is None


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (AccountState.FAILED, AccountFailed),
        (AccountState.PENDING, AccountPending),
        (AccountState.DISABLED, AccountDisabled),
    ],
)
def test_any_other_account_is_refused_with_its_name_and_what_to_do(state: AccountState, kind: type[Exception]) -> None:
    error = refusal(replace(an_account(), state=state, state_reason="The secret has expired."))
    assert type(error) is kind
    assert error.status == 503
    assert "'contoso'" in error.message
    assert error.advice


def test_an_account_never_shows_its_secret() -> None:
    assert "sealed-text" not in repr(replace(an_account(), secret_sealed="sealed-text"))


def test_a_row_becomes_an_account_with_its_own_types() -> None:
    account = replace(an_account(), state="failed", roles=["Machine.Isolate"])  # type: ignore[arg-type]
    assert account.state is AccountState.FAILED
    assert account.roles == ("Machine.Isolate",)


def test_what_troubles_an_account_is_said_once() -> None:
    account = replace(an_account(), state_reason="The secret has expired.", poll_error="The secret has expired.")
    assert account.troubles == ("The secret has expired.",)
    assert replace(account, poll_error="Busy.").troubles == ("The secret has expired.", "Busy.")
    assert replace(account, state_reason="", poll_error="").troubles == ()
