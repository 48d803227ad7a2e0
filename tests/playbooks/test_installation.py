from ringfence.playbooks.installation import Installation, Publisher
from ringfence.playbooks.model import Effect


def test_an_installation_of_which_nothing_is_known_has_nothing_and_nobody_publishes() -> None:
    assert Installation().publisher is None
    assert not Installation().accounts


def test_a_publisher_of_whom_nothing_is_said_may_publish_everything() -> None:
    assert Publisher("adele").may == frozenset(Effect)
