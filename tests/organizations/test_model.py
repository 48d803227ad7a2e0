from ringfence import clock
from ringfence.organizations.model import DEFAULT, Organization


def test_two_organizations_are_equal_if_all_they_say_is_equal() -> None:
    now = clock.now()
    assert Organization("1", DEFAULT, now) == Organization("1", "default", now)
