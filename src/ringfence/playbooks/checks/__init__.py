"""What can be wrong with a playbook: one small class each, and the two functions that ask them all."""

from collections.abc import Mapping
from typing import Final

from ringfence.playbooks.checks.actions import MissingParameter, UnknownAction, UnknownParameter, WrongParameter
from ringfence.playbooks.checks.base import Check, Subject
from ringfence.playbooks.checks.bounds import EmptyName, NoSteps, RetryBounds, TimeoutBounds
from ringfence.playbooks.checks.expressions import (
    BadExpression,
    RenderedExpression,
    UnknownReference,
    UnknownVariable,
    WhereVariable,
)
from ringfence.playbooks.checks.flow import Circle, UnknownOutcome, UnknownStep, UnreachableStep
from ringfence.playbooks.checks.safety import ApprovalWithoutTimeout, ContainmentWithoutRelease
from ringfence.playbooks.checks.support import NotSupported
from ringfence.playbooks.document import Document, read
from ringfence.playbooks.model import Catalogue
from ringfence.playbooks.problems import Problem

_CLASSES: tuple[type[Check], ...] = (
    ApprovalWithoutTimeout,
    BadExpression,
    Circle,
    ContainmentWithoutRelease,
    EmptyName,
    MissingParameter,
    NoSteps,
    NotSupported,
    RenderedExpression,
    RetryBounds,
    TimeoutBounds,
    UnknownAction,
    UnknownOutcome,
    UnknownParameter,
    UnknownReference,
    UnknownStep,
    UnknownVariable,
    UnreachableStep,
    WhereVariable,
    WrongParameter,
)
CHECKS: Final[Mapping[str, type[Check]]] = {check.code: check for check in _CLASSES}


def check(document: Document, catalogue: Catalogue) -> list[Problem]:
    """Give everything that is wrong with a document, in the order of its lines.

    A document that could not be read gives only what prevented that; the checks need a playbook to look at.
    """
    problems = list(document.problems)
    if document.playbook is not None:
        subject = Subject(document, document.playbook, catalogue)
        for kind in _CLASSES:
            problems.extend(kind().find(subject))
    return sorted(problems, key=lambda problem: problem.order)


def check_text(text: str, catalogue: Catalogue) -> list[Problem]:
    """Read a text and give everything that is wrong with it."""
    return check(read(text), catalogue)
