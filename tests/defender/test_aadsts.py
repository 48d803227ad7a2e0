import httpx

from ringfence.defender import AuthenticationFailed, ClockSkew, UnknownApplication, WrongCertificate, WrongCloud
from ringfence.defender.aadsts import FIELD, MEANINGS, explain
from ringfence.defender.exchange import Reply
from ringfence.defender.login import login_refusal


def refusal(number: int) -> AuthenticationFailed:
    body = b'{"error": "invalid_client", "error_description": "No.", "error_codes": [%d]}' % number
    error = login_refusal(Reply(401, httpx.Headers(), body), "POST login")
    assert isinstance(error, AuthenticationFailed)
    return error


def test_every_number_says_what_happened_what_to_do_and_where_that_is_from() -> None:
    for number, each in MEANINGS.items():
        assert each.number == number
        assert each.meaning.endswith("."), number
        assert each.meaning[0].islower(), number
        assert each.advice[0].isupper(), number
        assert each.source == FIELD or each.source.startswith("https://learn.microsoft.com/"), number
        assert each.lookup.endswith(str(number))


def test_a_refused_sign_in_says_what_its_number_means() -> None:
    assert "VALUE, not its id" in refusal(7000215).advice
    assert "Conditional Access" in MEANINGS[53003].meaning
    assert refusal(53003).advice == MEANINGS[53003].advice
    unknown = refusal(424242)
    assert explain(424242) is None
    assert unknown.aadsts == 424242
    assert "AADSTS" in unknown.advice


def test_numbers_that_mean_the_same_are_the_same_error() -> None:
    kinds = {700024: ClockSkew, 700011: UnknownApplication, 50012: WrongCertificate, 900382: WrongCloud}
    for number, kind in kinds.items():
        assert type(refusal(number)) is kind, number
