"""One tree of errors, each with what the API and a person need."""

from ringfence import errors


def _all(kind: type[errors.RingfenceError]) -> list[type[errors.RingfenceError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in _all(child))]


def test_every_error_has_a_code_and_a_status_and_is_drawn_in_the_docstring() -> None:
    drawn = errors.__doc__ or ""
    own = [each for each in _all(errors.RingfenceError) if each.__module__ == "ringfence.errors"]
    assert len(own) > 5
    for each in own:
        assert each.__name__ in drawn
        assert each.__doc__
        assert 400 <= each.status < 600
    codes = [each.code for each in own]
    assert len(set(codes)) == len(codes)


def test_an_error_reads_as_what_is_wrong_and_what_to_do() -> None:
    error = errors.Invalid("The name is empty.", advice="Give one.", problems=("name: empty",))
    assert str(error) == "The name is empty. Give one."
    assert error.problems == ("name: empty",)
    assert str(errors.NotFound("There is none.")) == "There is none."
