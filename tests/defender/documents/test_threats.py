import json
from pathlib import Path

import pytest

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

EXAMPLES = Path(__file__).parents[4] / "shared" / "mde" / "examples"
SPELT_OTHERWISE: tuple[str, ...] = ()
RECORDED: list[tuple[str, type[Document]]] = [
    ("list_indicators.response.json", Indicator),
    ("list_indicators.filter_action.response.json", Indicator),
    ("import_indicators.response.json", ImportResult),
    ("get_file.response.json", File),
    ("get_file.response.recorded.json", File),
    ("get_file_stats.response.recorded.json", FileStats),
    ("get_domain_stats.response.json", DomainStats),
    ("get_domain_stats.response.recorded.json", DomainStats),
    ("get_ip_stats.response.recorded.json", IpStats),
    ("list_alert_domains.response.json", DomainReference),
    ("list_alert_ips.response.json", IpReference),
    ("list_investigations.response.json", Investigation),
    ("get_investigation.response.json", Investigation),
    ("list_library_files.response.json", LibraryFile),
]


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the example bodies are not beside this repository")
@pytest.mark.parametrize(("name", "model"), RECORDED, ids=[name for name, _ in RECORDED])
def test_recorded_documents_are_read_without_loss(name: str, model: type[Document]) -> None:
    document = json.loads((EXAMPLES / name).read_bytes())
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
