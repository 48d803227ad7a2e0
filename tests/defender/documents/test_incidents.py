import pytest

from factbook import example
from ringfence.defender import Document, HuntingResult, Incident, MalformedReply

SPELT_OTHERWISE: tuple[str, ...] = ("Schema", "Results", "Stats", "schema", "results", "@odata.context")
RECORDED: list[tuple[str, type[Document]]] = [
    ("run_advanced_query.response", HuntingResult),
    ("run_advanced_hunting_xdr.response", HuntingResult),
    ("graph_run_hunting_query.response", HuntingResult),
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


def test_both_spellings_of_a_hunting_result_mean_the_same() -> None:
    large = HuntingResult.parse({"Schema": [{"Name": "A", "Type": "String"}], "Results": [{"A": None}]})
    small = HuntingResult.parse({"schema": [{"name": "A", "type": "String"}], "results": [{"A": None}]})
    assert (large.columns[0].name, large.columns[0].type) == (small.columns[0].name, small.columns[0].type)
    assert large.rows == small.rows == ({"A": None},)
    with pytest.raises(MalformedReply):
        HuntingResult.parse({"schema": []})


def test_an_incident_that_was_merged_names_its_survivor_and_has_no_alerts() -> None:
    read = Incident.parse({"incidentId": 1, "status": "Redirected", "redirectIncidentId": 2, "alerts": None})
    assert (read.redirect_incident_id, read.alerts) == (2, ())


def test_an_incident_s_alerts_carry_devices_and_entities() -> None:
    alert = {
        "alertId": "fa1",
        "devices": [{"mdatpDeviceId": "m", "tags": [], "loggedOnUsers": [{"accountName": "u"}]}],
        "entities": [{"entityType": "MailCluster", "verdict": "Suspicious", "query": "q"}],
    }
    read = Incident.parse({"incidentId": 1, "alerts": [alert]}).alerts[0]
    assert read.devices[0].mdatp_device_id == "m"
    assert read.entities[0].model_extra == {"query": "q"}
