import pytest

from response_world import BEACON, SHA1
from ringfence.errors import Invalid
from ringfence.responses import asked
from ringfence.responses.kinds import Kind


def test_parameters_are_put_into_one_form() -> None:
    assert asked.read(Kind.QUARANTINE, {"sha1": SHA1.upper()}) == {"sha1": SHA1}
    assert asked.read(Kind.SCAN, {}) == {"scan": "Quick"}
    assert asked.read(Kind.RESTRICT, {"sha1": None}) == {}


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        (Kind.QUARANTINE, {"sha1": "abc"}),
        (Kind.SCAN, {"scan": "Deep"}),
        (Kind.RESTRICT, {"sha1": SHA1}),
        (Kind.INDICATORS, {}),
        (Kind.INDICATORS, {"indicators": "203.0.113.7"}),
        (Kind.INDICATORS, {"indicators": [BEACON, BEACON]}),
        (Kind.INDICATORS, {"indicators": [{**BEACON, "action": "Explode"}]}),
        (Kind.INDICATORS, {"indicators": [{**BEACON, "expiration_time": "soon"}]}),
        (Kind.INDICATORS, {"indicators": [{**BEACON, "odd": 1}]}),
    ],
)
def test_what_cannot_be_meant_is_refused(kind: Kind, parameters: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        asked.read(kind, parameters)


def test_the_last_end_counts_and_none_where_one_never_ends() -> None:
    early, late = "2026-01-31T12:00:00+00:00", "2026-02-01T12:00:00+00:00"
    found = asked.ends_at([{"expiration_time": early}, {"expiration_time": late}])
    assert found is not None
    assert found.isoformat() == late
    assert asked.ends_at([{"expiration_time": early}, {}]) is None
    assert asked.allows_something([{"action": "Allowed"}])
