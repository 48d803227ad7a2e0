from approval_samples import ask
from cli_world import Ringfence
from contoso import Contoso
from ringfence.settings import Settings


def _ask(ringfence: Ringfence, contoso: Contoso, **changes: object) -> str:
    installation = ringfence.open(Settings(data=ringfence.data))
    try:
        return ask(installation.database, contoso.organization_id, **changes).id
    finally:
        installation.close()


def test_questions_are_listed_and_shown(ringfence: Ringfence, contoso: Contoso) -> None:
    assert "Nobody waits" in ringfence("approval", "list").stderr
    asked = _ask(ringfence, contoso, approvers=("ines", "tom"), needed=2)
    listed = ringfence.json("approval", "list")
    assert [(each["id"], each["state"]) for each in listed["items"]] == [(asked, "open")]
    assert asked in ringfence("approval", "list").stdout
    said = ringfence("approval", "show", asked).stdout
    for words in ("Cut fin-ws-014.contoso.com", "ines, tom", "organization 3", "not known", "server's operating"):
        assert words in said, words
    document = ringfence.json("approval", "show", asked)
    assert document["bound_to"]["tags"] == ["Finance", "Server"]
    assert document["question"].startswith("Cut fin-ws-014")
    assert document["may_answer"] == ["ines", "tom"]


def test_enough_people_say_yes(ringfence: Ringfence, contoso: Contoso) -> None:
    asked = _ask(ringfence, contoso, needed=2)
    assert "1 more must approve" in ringfence("approval", "approve", asked, "--by", "ines").stdout
    done = ringfence.json("approval", "approve", asked, "--by", "tom", "--comment", "Seen.")
    assert (done["state"], done["detail"]) == ("approved", "Approved by ines, tom.")
    assert "Seen." in ringfence("approval", "show", asked).stdout
    assert ringfence.json("approval", "list")["items"] == []
    assert len(ringfence.json("approval", "list", "--all")["items"]) == 1


def test_one_no_ends_it_and_what_is_over_takes_no_answer(ringfence: Ringfence, contoso: Contoso) -> None:
    asked = _ask(ringfence, contoso)
    assert (
        "ines said no: Payroll."
        in ringfence("approval", "reject", asked, "--by", "ines", "--comment", "Payroll.").stdout
    )
    assert "over: rejected" in ringfence("approval", "approve", asked, "--by", "tom", status=1).stderr


def test_an_unknown_question_is_an_error_with_advice(ringfence: Ringfence, contoso: Contoso) -> None:
    assert "ringfence approval list" in ringfence("approval", "show", "x", status=1).stderr
