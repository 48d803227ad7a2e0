"""A task with a form, as a workflow puts it on an incident."""

from pydantic import TypeAdapter

from ringfence.incidents import asking
from ringfence.incidents.asking import Question
from ringfence.incidents.forms import Form
from ringfence.incidents.model import Author
from ringfence.storage import Database

FORM: Form = TypeAdapter(Form).validate_python(
    {
        "reached": {"type": "boolean", "label": "Was the user reached?", "required": True},
        "verdict": {"type": "choice", "choices": ["expected", "unexpected"], "help": "As the user sees it."},
        "hosts": {"type": "number", "least": 0},
        "since": {"type": "date"},
        "remarks": {"type": "text", "lines": 4},
    }
)


def a_task_with_a_form(database: Database, organization_id: str, number: int, *, key: str = "run:call:0") -> int:
    """Put the task on an incident, and return its number."""
    question = Question("Call the user", "The number is in the <directory>.", FORM, due_in=14_400.0)
    author = Author("playbook Call the user 1.0", None, key)
    return database.run_now(lambda tx: asking.ask(tx, organization_id, number, question, author)).task.number
