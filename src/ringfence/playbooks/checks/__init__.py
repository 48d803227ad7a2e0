"""What can be wrong with a playbook: one small class each, and the two functions that ask them all."""

from collections.abc import Mapping
from typing import Final

from ringfence.playbooks.checks.actions import MissingParameter, UnknownAction, UnknownParameter, WrongParameter
from ringfence.playbooks.checks.base import Check, Subject
from ringfence.playbooks.checks.bounds import BadName, EmptyName, NoSteps, RetryBounds, TimeoutBounds
from ringfence.playbooks.checks.care import PerhapsSecret, PrivateAddress, SecretInDocument
from ringfence.playbooks.checks.components import (
    BadOutput,
    CallOfNobody,
    DeepCall,
    UnknownComponent,
    UnknownInput,
    WrongCall,
)
from ringfence.playbooks.checks.expressions import (
    BadExpression,
    RenderedExpression,
    UnknownReference,
    UnknownVariable,
    WhereVariable,
)
from ringfence.playbooks.checks.flow import Circle, UnknownOutcome, UnknownStep, UnreachableStep
from ringfence.playbooks.checks.loops import BadLoop, LoopBorder
from ringfence.playbooks.checks.outputs import UnknownOutput
from ringfence.playbooks.checks.rehearsing import BadMock, BadTest, MockedStep
from ringfence.playbooks.checks.rights import MissingPermission, NotAllowed
from ringfence.playbooks.checks.safety import (
    ApprovalWithoutTimeout,
    ContainmentWithoutRelease,
    ContainsOnEveryAlert,
    MayStartItself,
    UnansweredQuestion,
)
from ringfence.playbooks.checks.surroundings import (
    AccountDisabled,
    AccountNotProven,
    AppNotInstalled,
    NoAccount,
    ServiceOff,
    UnknownAccount,
    UnknownChannel,
    UnknownMailbox,
    UnknownPeople,
    UnknownService,
    UnknownWebhook,
    WebhookOff,
    WrongService,
)
from ringfence.playbooks.checks.workflows import TaskOutsideWorkflow, TaskWithoutIncident
from ringfence.playbooks.document import Document, read
from ringfence.playbooks.installation import Installation
from ringfence.playbooks.model import Catalogue
from ringfence.playbooks.problems import Problem

_CLASSES: tuple[type[Check], ...] = (
    AccountDisabled,
    AccountNotProven,
    AppNotInstalled,
    ApprovalWithoutTimeout,
    BadExpression,
    BadLoop,
    BadMock,
    BadName,
    BadOutput,
    BadTest,
    CallOfNobody,
    Circle,
    ContainmentWithoutRelease,
    ContainsOnEveryAlert,
    DeepCall,
    EmptyName,
    LoopBorder,
    MayStartItself,
    MissingParameter,
    MissingPermission,
    MockedStep,
    NoAccount,
    NoSteps,
    NotAllowed,
    PerhapsSecret,
    PrivateAddress,
    RenderedExpression,
    RetryBounds,
    SecretInDocument,
    ServiceOff,
    TaskOutsideWorkflow,
    TaskWithoutIncident,
    TimeoutBounds,
    UnansweredQuestion,
    UnknownAccount,
    UnknownAction,
    UnknownChannel,
    UnknownComponent,
    UnknownInput,
    UnknownMailbox,
    UnknownOutcome,
    UnknownParameter,
    UnknownPeople,
    UnknownReference,
    UnknownOutput,
    UnknownService,
    UnknownStep,
    UnknownVariable,
    UnknownWebhook,
    UnreachableStep,
    WebhookOff,
    WhereVariable,
    WrongCall,
    WrongParameter,
    WrongService,
)
CHECKS: Final[Mapping[str, type[Check]]] = {check.code: check for check in _CLASSES}


def check(document: Document, catalogue: Catalogue, installation: Installation | None = None) -> list[Problem]:
    """Give everything that is wrong with a document, in the order of its lines.

    Without an `installation`, what only an installation can know is not looked at.
    A document that could not be read gives only what prevented that; the checks need a playbook to look at.
    """
    problems = list(document.problems)
    if document.playbook is not None:
        subject = Subject(document, document.playbook, catalogue, installation)
        for kind in _CLASSES:
            problems.extend(kind().find(subject))
    return sorted(problems, key=lambda problem: problem.order)


def check_text(text: str, catalogue: Catalogue, installation: Installation | None = None) -> list[Problem]:
    """Read a text and give everything that is wrong with it; see `check`."""
    return check(read(text), catalogue, installation)
