import pytest

from factbook import example
from ringfence.defender import (
    Document,
    DomainReference,
    DomainStats,
    File,
    FileStats,
    ImportResult,
    Indicator,
    Investigation,
    IpReference,
    IpStats,
    LibraryFile,
    MalformedReply,
)

SPELT_OTHERWISE: tuple[str, ...] = ()
RECORDED: list[tuple[str, type[Document]]] = [
    ("list_indicators.response", Indicator),
    ("list_indicators.filter_action.response", Indicator),
    ("import_indicators.response", ImportResult),
    ("get_file.response", File),
    ("get_file.response.recorded", File),
    ("get_file_stats.response.recorded", FileStats),
    ("get_domain_stats.response", DomainStats),
    ("get_domain_stats.response.recorded", DomainStats),
    ("get_ip_stats.response.recorded", IpStats),
    ("list_alert_domains.response", DomainReference),
    ("list_alert_ips.response", IpReference),
    ("list_investigations.response", Investigation),
    ("get_investigation.response", Investigation),
    ("list_library_files.response", LibraryFile),
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


def test_what_has_no_identity_is_malformed() -> None:
    for model in (Indicator, File, Investigation, LibraryFile):
        with pytest.raises(MalformedReply):
            model.parse({})


def test_values_that_are_not_known_yet_are_kept() -> None:
    read = Indicator.parse({"id": 7, "action": "Quarantine", "rbacGroupIds": ["a", 1], "new": {"x": 1}})
    assert (read.id, read.action) == ("7", "Quarantine")
    assert read.model_extra == {"new": {"x": 1}}
