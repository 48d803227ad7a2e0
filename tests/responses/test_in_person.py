import pytest

from response_world import HOST, Responses
from ringfence.errors import Invalid, NotFound
from ringfence.responses import in_person
from ringfence.responses.kinds import Kind


async def test_a_person_asks_by_names_and_takes_back_with_a_reason(desk: Responses) -> None:
    organization = desk.world.organization_id
    run = desk.world.database.run_now

    def ask(kind: str, account: str | None = None) -> str:
        return run(
            lambda tx: (
                in_person.request(
                    tx, organization_id=organization, kind=kind, reason="Odd", by="asmith", target=HOST, account=account
                ).id
            )
        )

    made = ask("antivirus_scan")
    with pytest.raises(Invalid, match="needs a reason"):
        run(lambda tx: in_person.undo(tx, organization, made, by="asmith", reason=" "))
    with pytest.raises(NotFound):
        run(lambda tx: in_person.undo(tx, "other", made, by="asmith", reason="x"))
    after = run(lambda tx: in_person.undo(tx, organization, made, by="asmith", reason="x"))
    assert after.undo_requested_at is not None
    with pytest.raises(NotFound):
        ask("antivirus_scan", "nobody")
    assert in_person.kind_named("offboard") is Kind.OFFBOARD
    with pytest.raises(Invalid, match="There is no response"):
        in_person.kind_named("explode")
