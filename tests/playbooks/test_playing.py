import pytest
from pydantic import ValidationError

from ringfence.playbooks.playing import Played, Playing
from ringfence.playbooks.proof import Subject


def test_what_goes_to_the_process_and_comes_back_is_plain_and_nothing_else_is_taken() -> None:
    playing = Playing(subject=Subject(source="x"), document={"alert": {"title": "One"}})
    assert Playing.model_validate_json(playing.model_dump_json()) == playing
    assert Played.model_validate_json("{}") == Played()
    with pytest.raises(ValidationError):
        Played.model_validate({"proven": True})
