from alert_samples import NOON
from ringfence.playbooks.triggers import ServiceTrigger
from ringfence.triggers.service import document, match


def test_where_looks_into_the_event() -> None:
    seen = document("desk", "contoso_tickets.opened", "7", NOON, {"priority": "high"})
    assert (seen["event_id"], seen["service"], seen["app"]) == ("7", "desk", "contoso_tickets.opened")
    for where, fits in ((None, True), ("event.priority == 'high'", True), ("event.nothing", False)):
        trigger = ServiceTrigger(type="service", service="desk", where=where)
        assert match(trigger, seen).matched is fits
