import pytest

from factbook import example
from ringfence.defender import (
    Document,
    ExposedMachine,
    MalformedReply,
    MissingUpdate,
    Recommendation,
    Score,
    Software,
    Vulnerability,
)

SPELT_OTHERWISE: tuple[str, ...] = ()
RECORDED: list[tuple[str, type[Document]]] = [
    ("get_exposure_score.response", Score),
    ("get_device_secure_score.response", Score),
    ("get_machines_by_vulnerability.response.recorded", ExposedMachine),
]


@pytest.mark.parametrize(("name", "model"), RECORDED, ids=[name for name, _ in RECORDED])
def test_recorded_documents_are_read_without_loss(name: str, model: type[Document]) -> None:
    document = example(name)
    items = document.get("value", [document])
    assert items
    for item in items:
        parsed = model.parse(item)
        assert parsed.raw is item
        assert item.keys() <= {*parsed.model_dump(by_alias=True), *SPELT_OTHERWISE}


def test_a_vulnerability_of_one_machine_has_no_count_of_machines() -> None:
    read = Vulnerability.parse({"id": "CVE-1", "exposedMachines": None, "cvssV3": 9.8, "firstDetected": None})
    assert (read.exposed_machines, read.cvss_v3) == (None, 9.8)
    with pytest.raises(MalformedReply):
        Vulnerability.parse({"id": None})


@pytest.mark.parametrize("model", [Software, Recommendation, MissingUpdate])
def test_what_is_not_catalogued_is_kept_as_it_came(model: type[Document]) -> None:
    assert model.parse({"id": "1", "weaknesses": 3}).model_extra == {"weaknesses": 3}
