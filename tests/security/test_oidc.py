from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey, RSAKey

from pretend_provider import CLIENT, ISSUER, SECRET, PretendProvider
from ringfence import clock
from ringfence.errors import Invalid
from ringfence.security.oidc import Client, ProviderFailed, RelyingParty, demand_address

US = Client(ISSUER, CLIENT, SECRET, "openid profile", "https://ringfence.contoso.com/sign-in/provider/contoso/callback")
# Making one takes longer than everything else here.
_OTHER = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})


@pytest.fixture(scope="module")
def made() -> PretendProvider:
    return PretendProvider()


@pytest.fixture
def provider(made: PretendProvider) -> PretendProvider:
    key = made.key
    made.__dict__.update({**_fresh(made), "key": key, "listed": [made.public(key)]})
    return made


def _fresh(made: PretendProvider) -> dict[str, object]:
    return {
        "metadata": {},
        "claims": {"sub": "megan", "preferred_username": "megan@contoso.com", "groups": ["soc"]},
        "info": None,
        "alg": "RS256",
        "header": {},
        "forged": None,
        "codes": {},
        "asked": [],
        "secret": SECRET,
    }


@pytest.fixture
def party(provider: PretendProvider) -> RelyingParty:
    return RelyingParty(transport=provider.transport)


async def _sign_in(party: RelyingParty, provider: PretendProvider, us: Client = US) -> dict[str, object]:
    begun = await party.begin(us)
    return dict(await party.finish(us, begun.facts, provider.allow(begun.address)))


async def test_a_person_comes_back_with_proven_claims(party: RelyingParty, provider: PretendProvider) -> None:
    begun = await party.begin(US)
    asked = parse_qs(urlsplit(begun.address).query)
    assert asked["scope"] == ["openid profile"]
    assert begun.facts["verifier"] not in begun.address
    claims = await party.finish(US, begun.facts, provider.allow(begun.address))
    assert (claims["iss"], claims["sub"], claims["groups"]) == (ISSUER, "megan", ["soc"])


async def test_a_client_without_a_secret_or_by_post_is_known_too(
    party: RelyingParty, provider: PretendProvider
) -> None:
    provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post", "none"]}
    assert (await _sign_in(party, provider))["sub"] == "megan"
    provider.secret = None
    assert (await _sign_in(party, provider, replace(US, secret=None)))["sub"] == "megan"
    with pytest.raises(ProviderFailed, match="does not accept our client"):
        await _sign_in(party, provider)


FORGERIES: dict[str, Callable[[PretendProvider], object]] = {
    "alg none": lambda one: setattr(one, "alg", "none"),
    "HMAC with the public key": lambda one: setattr(one, "alg", "HS256"),
    "another audience": lambda one: one.claims.update(aud="another"),
    "several audiences, and for none of them": lambda one: one.claims.update(aud=[CLIENT, "another"]),
    "several audiences, for another": lambda one: one.claims.update(aud=[CLIENT, "another"], azp="another"),
    "another issuer": lambda one: one.claims.update(iss="https://login.fabrikam.com"),
    "another nonce": lambda one: one.claims.update(nonce="another"),
    "no nonce": lambda one: one.claims.update(nonce=None),
    "expired": lambda one: one.claims.update(exp=int(clock.timestamp()) - 61),
    "no end": lambda one: one.claims.update(exp=None),
    "from the future": lambda one: one.claims.update(iat=int(clock.timestamp()) + 600),
    "nobody": lambda one: one.claims.update(sub=None),
    "an empty somebody": lambda one: one.claims.update(sub=""),
    "not somebody": lambda one: one.claims.update(sub=["megan"]),
    "another access token": lambda one: one.claims.update(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "a key that is not listed": lambda one: setattr(one, "key", _OTHER),
    "a key under another's name": lambda one: one.__dict__.update(key=_OTHER, header={"kid": "one"}),
    "no token": lambda one: setattr(one, "forged", ""),
    "no parts": lambda one: setattr(one, "forged", "a.b.c"),
    "nonsense": lambda one: setattr(one, "forged", "é.\x00"),
}


async def test_no_forged_token_signs_anybody_in(party: RelyingParty, provider: PretendProvider) -> None:
    key = provider.key
    for name, forge in FORGERIES.items():
        provider.__dict__.update({**_fresh(provider), "key": key})
        forge(provider)
        with pytest.raises(ProviderFailed):
            pytest.fail(f"{name} was believed: {await _sign_in(party, provider)}")


async def test_a_code_counts_once_and_only_with_its_verifier(party: RelyingParty, provider: PretendProvider) -> None:
    begun = await party.begin(US)
    back = provider.allow(begun.address)
    await party.finish(US, begun.facts, back)
    with pytest.raises(ProviderFailed, match="invalid_grant"):
        await party.finish(US, begun.facts, back)
    other = await party.begin(US)
    stolen = provider.allow(begun.address) | {"state": other.facts["state"]}
    with pytest.raises(ProviderFailed, match="invalid_grant"):
        await party.finish(US, other.facts, stolen)


async def test_an_answer_to_another_question_is_refused(party: RelyingParty, provider: PretendProvider) -> None:
    first, second = await party.begin(US), await party.begin(US)
    with pytest.raises(ProviderFailed, match="does not belong"):
        await party.finish(US, second.facts, provider.allow(first.address))
    for given in ({}, {"code": "x"}, {"code": "x", "state": ""}):
        with pytest.raises(ProviderFailed, match="does not belong"):
            await party.finish(US, first.facts, given)
    back = provider.allow(first.address)
    with pytest.raises(ProviderFailed, match="another provider"):
        await party.finish(US, first.facts, back | {"iss": "https://login.fabrikam.com"})
    with pytest.raises(ProviderFailed, match="another provider"):
        await party.finish(US, {**first.facts, "issuer": "https://login.fabrikam.com"}, back)


async def test_a_provider_that_says_who_it_is_in_answers_always_must(
    party: RelyingParty, provider: PretendProvider
) -> None:
    provider.metadata = {"authorization_response_iss_parameter_supported": True}
    begun = await party.begin(US)
    with pytest.raises(ProviderFailed, match="which provider"):
        await party.finish(US, begun.facts, provider.allow(begun.address))
    await party.finish(US, begun.facts, provider.allow(begun.address) | {"iss": ISSUER})


async def test_a_refusal_there_is_told_in_plain_words(party: RelyingParty, provider: PretendProvider) -> None:
    begun = await party.begin(US)
    given = {"state": begun.facts["state"], "error": "access_denied", "error_description": "<script>"}
    with pytest.raises(ProviderFailed, match="You were not signed in there"):
        await party.finish(US, begun.facts, given)


async def test_keys_are_rotated_without_anybody_doing_anything(party: RelyingParty, provider: PretendProvider) -> None:
    now = [clock.timestamp()]
    clock.replace(lambda: now[0])
    await _sign_in(party, provider)
    before = provider.key
    try:
        provider.key = _OTHER
        provider.listed = [provider.public(before), provider.public(_OTHER)]
        now[0] += 11
        await _sign_in(party, provider)
        provider.listed = [provider.public(_OTHER)]
        provider.key = before
        now[0] += 3600
        with pytest.raises(ProviderFailed):
            await _sign_in(party, provider)
        asked = provider.asked.count("/keys")
        with pytest.raises(ProviderFailed):
            await _sign_in(party, provider)
        assert provider.asked.count("/keys") == asked, "unknown keys must not make us ask without end"
    finally:
        provider.key = before


async def test_a_token_without_a_key_id_counts_only_where_there_is_one_key(
    party: RelyingParty, provider: PretendProvider
) -> None:
    provider.header = {"kid": None}
    await _sign_in(party, provider)
    provider.listed = [provider.public(provider.key), provider.public(_OTHER)]
    with pytest.raises(ProviderFailed):
        await _sign_in(RelyingParty(transport=provider.transport), provider)


async def test_keys_that_are_not_for_signatures_are_not_used(party: RelyingParty, provider: PretendProvider) -> None:
    secret = {"kty": "oct", "kid": "one", "k": "c2VjcmV0"}
    provider.listed = [secret, provider.public(provider.key) | {"use": "enc"}]
    with pytest.raises(ProviderFailed):
        await _sign_in(party, provider)


async def test_elliptic_curves_are_believed_too(party: RelyingParty, provider: PretendProvider) -> None:
    before = provider.key
    provider.key = ECKey.generate_key("P-256", {"kid": "curve"})
    provider.listed, provider.alg = [provider.public(provider.key)], "ES256"
    try:
        assert (await _sign_in(party, provider))["sub"] == "megan"
    finally:
        provider.key = before


async def test_what_a_provider_tells_apart_from_the_token_is_read_of_the_same_person_only(
    party: RelyingParty, provider: PretendProvider
) -> None:
    provider.claims = {"sub": "megan"}
    provider.info = {"sub": "megan", "groups": ["soc"], "iss": "https://evil.test"}
    claims = await _sign_in(party, provider)
    assert (claims["groups"], claims["iss"]) == (["soc"], ISSUER)
    provider.info = {"sub": "alex", "groups": ["admins"]}
    with pytest.raises(ProviderFailed, match="another person"):
        await _sign_in(party, provider)


async def test_a_proof_that_was_asked_for_anew_must_be_new(party: RelyingParty, provider: PretendProvider) -> None:
    for age, fine in ((None, False), (600, False), (5, True)):
        begun = await party.begin(US, prove_again=True)
        assert "max_age=0" in begun.address
        provider.claims["auth_time"] = int(clock.timestamp()) - age if age is not None else None
        back = provider.allow(begun.address)
        if fine:
            await party.finish(US, begun.facts, back)
        else:
            with pytest.raises(ProviderFailed, match="again"):
                await party.finish(US, begun.facts, back)


async def test_a_provider_that_is_somebody_else_or_not_there_is_not_used(provider: PretendProvider) -> None:
    for metadata, why in (
        ({"issuer": "https://login.fabrikam.com"}, "calls itself"),
        ({"response_types_supported": "code"}, "cannot be used"),
        ({"padding": "x" * 1_000_001}, "too much"),
    ):
        provider.metadata = metadata
        with pytest.raises(ProviderFailed, match=why):
            await RelyingParty(transport=provider.transport).discover(ISSUER)
    provider.metadata = {"token_endpoint": "http://login.contoso.com/token"}
    with pytest.raises(Invalid, match="HTTPS"):
        await RelyingParty(transport=provider.transport).discover(ISSUER)
    with pytest.raises(ProviderFailed) as refused:
        await RelyingParty().discover("http://127.0.0.1:9")
    assert "RINGFENCE_IDENTITY_PRIVATE" in refused.value.advice


async def test_signing_out_there_is_offered_where_the_provider_offers_it(
    party: RelyingParty, provider: PretendProvider
) -> None:
    assert await party.sign_out_address(US, "https://ringfence.contoso.com/sign-in") is None
    provider.metadata = {"end_session_endpoint": f"{ISSUER}/end"}
    address = await RelyingParty(transport=provider.transport).sign_out_address(US, "https://r.contoso.com/sign-in")
    assert address == f"{ISSUER}/end?client_id=ringfence&post_logout_redirect_uri=https%3A%2F%2Fr.contoso.com%2Fsign-in"


def test_addresses_are_by_https_or_on_this_machine() -> None:
    for fine in ("https://login.contoso.com/tenant/v2.0", "http://127.0.0.1:8080", "http://localhost:1"):
        assert demand_address(fine) == fine
    for wrong in (
        "http://login.contoso.com",
        "ftp://x",
        "https://",
        "https://a:b@c",
        "https://x/#y",
        "javascript:1",
        "http://[1",
    ):
        with pytest.raises(Invalid):
            demand_address(wrong)
