import pytest

from ringfence.actions import ActionError
from ringfence.organizations import service as organizations
from ringfence.runs.tables import Tables
from ringfence.storage import Database
from ringfence.tables import service


async def test_a_run_puts_in_looks_up_and_takes_out_in_its_own_name(embedded: Database) -> None:
    organization = embedded.run_now(organizations.ensure_default).id
    embedded.run_now(lambda tx: service.make(tx, organization, "seen", "text", "", by="ines"))
    tables = Tables(embedded, organization, "playbook X 1.0")
    for _ in range(2):
        assert await tables.put("seen", ["WS-1"], note="n", data={"a": "b"}, expires_at=None, key="r:s:0") == 1
    found, missing = await tables.look_up("seen", ["ws-1", "ws-2"])
    assert missing is None
    assert found is not None
    assert (found["value"], found["data"], found["added_by"]) == ("WS-1", {"a": "b"}, "playbook X 1.0")
    assert await tables.take_out("seen", ["ws-1"]) == 1
    with pytest.raises(ActionError, match="no table") as caught:
        await tables.look_up("sen", ["x"])
    assert caught.value.permanent
