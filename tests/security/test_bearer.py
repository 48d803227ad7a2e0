from ringfence.security import bearer


def test_each_token_is_another_and_has_a_digest_of_its_own() -> None:
    first, second = bearer.new(), bearer.new()
    assert first != second
    assert len(first) >= 43
    assert bearer.digest(first) not in (bearer.digest(second), first)
    assert len(bearer.digest("\ud800")) == 64
