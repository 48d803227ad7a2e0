"""The contract for actions and trigger services; all that a connector may import of ours is here.

A connector is one file with one `Connector` and its functions; see `base` for how an action is declared and what it
may give back, and `polling` for what starts playbooks. `catalogue` finds the connectors.
"""

from ringfence.actions.base import (
    RAW_ALERT,
    Action,
    ActionError,
    Connector,
    DataExpression,
    Effect,
    Json,
    Parameter,
    Release,
    Result,
    RunExpression,
    Wait,
)
from ringfence.actions.context import (
    Asked,
    ContainmentPort,
    ContainmentState,
    Context,
    DefenderPort,
    IncidentPort,
    Listing,
    PeoplePort,
    ResponsePort,
    ResponseState,
    TaskStanding,
    Where,
    where,
)
from ringfence.actions.fitting import fitting
from ringfence.actions.hunting import Query, Rows, found_rows
from ringfence.actions.outside import AlertPort, CallerPort, HttpAnswer, HttpPort, MailPort, QueuedAlert, TablePort
from ringfence.actions.polling import Event, Poll, Polled
from ringfence.incidents.forms import Form, FormField
from ringfence.playbooks.durations import Duration
from ringfence.playbooks.expressions import ExpressionError, evaluate, holds, is_true
from ringfence.playbooks.expressions import to_text as as_text

__all__ = [
    "RAW_ALERT",
    "Action",
    "ActionError",
    "AlertPort",
    "Asked",
    "CallerPort",
    "Connector",
    "ContainmentPort",
    "ContainmentState",
    "Context",
    "DataExpression",
    "DefenderPort",
    "Duration",
    "Effect",
    "Event",
    "ExpressionError",
    "Form",
    "FormField",
    "HttpAnswer",
    "HttpPort",
    "IncidentPort",
    "Json",
    "Listing",
    "MailPort",
    "Parameter",
    "PeoplePort",
    "Poll",
    "Polled",
    "Query",
    "QueuedAlert",
    "Release",
    "ResponsePort",
    "ResponseState",
    "Result",
    "Rows",
    "RunExpression",
    "TablePort",
    "TaskStanding",
    "Wait",
    "Where",
    "as_text",
    "evaluate",
    "fitting",
    "found_rows",
    "holds",
    "is_true",
    "where",
]
