from ringfence.storage.scope import Scope, current, everywhere, nowhere, within


def test_a_scope_holds_for_its_block_and_the_one_before_comes_back() -> None:
    assert current() is None
    with within("contoso", "ada"):
        assert current() == Scope("contoso", "ada")
        with everywhere():
            assert current() is None
        with nowhere():
            assert current() == Scope("", "")
        assert current() == Scope("contoso", "ada")
    assert current() is None


def test_what_is_the_installations_only_at_times_is_seen_everywhere_only_then() -> None:
    with within("contoso"):
        with everywhere(only_if=False):
            assert current() == Scope("contoso")
        with everywhere(only_if=True):
            assert current() is None
