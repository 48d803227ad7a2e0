import copy
import inspect
import pickle

import pytest

from ringfence.defender import errors
from ringfence.defender.errors import AuthenticationFailed, DefenderError, InvalidArgument, MissingRole, Throttled

CLASSES = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, DefenderError)]
PUBLIC = [each for each in CLASSES if not each.__name__.startswith("_")]


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_each_error_is_in_the_picture_and_says_what_to_do(kind: type[DefenderError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")
    assert kind.__doc__
    assert kind.advice.endswith(".")
    assert kind.advice in str(kind("It failed."))


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_an_error_survives_pickling_and_copying_with_all_it_carries(kind: type[DefenderError]) -> None:
    error = kind("It failed.", code="Some", status=418, target="t", request="GET /api/x", advice="Do this.")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is kind
        assert str(twin) == str(error)
        assert vars(twin) == vars(error)


def test_an_error_reads_as_one_sentence_about_one_request() -> None:
    error = DefenderError("Machine x was not found", code="ResourceNotFound", status=404, request="GET /api/machines/x")
    error.advice = "Check the id."
    assert str(error) == "GET /api/machines/x: 404 ResourceNotFound: Machine x was not found Check the id."


def test_foreign_text_is_flattened_to_one_short_line() -> None:
    error = DefenderError("one\r\ntwo\x1b[31m\u202e" + "x" * 5000, code="a\nb")
    assert "\n" not in str(error)
    assert "\x1b" not in error.message
    assert "\u202e" not in error.message
    assert len(error.message) <= 600
    assert error.code == "a b"


def test_particulars_stand_beside_the_message() -> None:
    assert Throttled("Wait.", retry_after=8.0).retry_after == 8.0
    assert AuthenticationFailed("No.", aadsts=7000215).aadsts == 7000215
    assert MissingRole("No.", required=("Machine.Isolate",)).required == ("Machine.Isolate",)


def test_an_error_without_a_code_is_named_by_its_class() -> None:
    assert Throttled().code == "Throttled"
    assert str(Throttled(status=429)).startswith("429 Throttled. ")


def test_only_passing_failures_are_not_permanent() -> None:
    assert {kind.__name__ for kind in PUBLIC if not kind.permanent} == {
        "TransportError",
        "Unreachable",
        "Timeout",
        "ReplyLost",
        "Throttled",
        "BudgetSpent",
        "ServerError",
        "MalformedReply",
    }


def test_a_bad_argument_is_a_value_error_too() -> None:
    with pytest.raises(ValueError, match="Correct"):
        raise InvalidArgument("Bad.")
