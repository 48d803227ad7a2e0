import pytest

from cli_world import Ringfence
from contoso import Contoso
from form_samples import a_task_with_a_form
from ringfence.settings import Settings


@pytest.fixture
def task(ringfence: Ringfence, contoso: Contoso) -> tuple[str, str]:
    app = ringfence.open(Settings(data=ringfence.data))
    try:
        number = a_task_with_a_form(app.database, contoso.organization_id, contoso.incident_number)
    finally:
        app.close()
    return str(contoso.incident_number), str(number)


def test_a_form_is_shown_filled_in_and_shown_again(ringfence: Ringfence, task: tuple[str, str]) -> None:
    shown = ringfence("incident", "show", task[0]).stdout
    assert "Call the user: a run waits for this" in shown
    assert "  reached: boolean, needed (Was the user reached?)" in shown
    assert "  verdict: one of expected, unexpected" in shown
    assert f'Fill it in: ringfence incident fill {" ".join(task)} --answer reached="boolean" ' in shown
    refused = ringfence("incident", "fill", *task, "--answer", "hosts=many", status=1).stderr
    assert "Was the user reached?: this is needed." in refused
    assert "Hosts: write a number." in refused
    ringfence("incident", "fill", *task, "--answer", "hosts", status=1)
    done = ringfence.json(
        "incident", "fill", *task, "--answer", "reached=no", "--answer", "remarks=a=b", "--by", "alex"
    )
    assert (done["state"], done["done_by"], done["filled"]["remarks"]) == ("done", "alex", "a=b")
    shown = ringfence("incident", "show", task[0]).stdout
    assert "Call the user: done" in shown
    assert "  Was the user reached?: no" in shown


def test_a_task_that_will_not_be_done_is_cancelled(ringfence: Ringfence, task: tuple[str, str]) -> None:
    assert "form" in ringfence("incident", "done", *task, status=1).stderr
    assert "goes on without it" in ringfence("incident", "cancel-task", *task).stdout
    assert ringfence.json("incident", "show", task[0])["tasks"][-1]["state"] == "cancelled"
