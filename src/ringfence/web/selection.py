"""What is said after work on a selection: what was asked for, and what became of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from ringfence.views.lists import List
from ringfence.views.selection import Outcome
from ringfence.web.formatting import count
from ringfence.web.navigation import came_from
from ringfence.web.rendering import Pages


@dataclass(frozen=True, slots=True)
class Label:
    """What people call one of a selection, and where it is shown."""

    name: str
    address: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """What was done to a selection of a list: `word` is the participle for it, `note` what else people should know then."""

    kind: List
    noun: str
    word: str
    asked: Mapping[str, str]
    note: str = ""


def report(
    request: Request, pages: Pages, work: Work, outcomes: Sequence[Outcome], labels: Mapping[str, Label]
) -> Response:
    """Return the page that says what became of each; its status is the refusal's where all were refused."""
    done = sum(each.problem is None for each in outcomes)
    every = count(len(outcomes), work.noun)
    title = f"{every} {work.word}" if done == len(outcomes) else f"{done} of {every} {work.word}"
    context = {
        "work": work,
        "title": title if done else f"Nothing was {work.word}",
        "done": done,
        "outcomes": [(each, labels.get(each.id)) for each in outcomes],
    }
    # With the filter that somebody works through, or to the one that was changed.
    back = came_from(request)
    path = urlsplit(back).path
    context["alone"] = path.startswith(f"{work.kind.address}/") and not path.endswith("/selected")
    context["back"] = back if path == work.kind.address or context["alone"] else work.kind.address
    failed = [each.problem for each in outcomes if each.problem is not None]
    status = failed[0].status if failed and not done else 200
    return pages.render(request, "selection/done.html", context, status=status)
