import pytest

from ringfence.errors import Invalid
from ringfence.playbooks.renaming import renaming
from ringfence.playbooks.splicing import Splicer

TEXT = """\
name: about steps.one        # steps.one stays the subject
steps:
  'one': {action: a.b}
  one_two:
    after: ["one.yes", one, other]
    on_error: one
    if: steps.one.x && steps."one".y && not_steps.one && a.steps.one
    with: {text: "${steps.one.a} ${steps.one_two.b} ${steps.\\"one\\".c}"}
tests:
  - name: t
    mocks: {one: {outcome: yes}}
    expect:
      ran: [one.yes]
      skipped: one
      inputs: {one: {}}
layout:
  steps:
    one: [1, 2]
"""


def test_every_mention_of_the_step_follows_and_nothing_that_only_looks_like_it() -> None:
    splicer = Splicer(TEXT)
    renaming(splicer, "one", "first")
    assert (
        splicer.text
        == """\
name: about steps.first        # steps.first stays the subject
steps:
  'first': {action: a.b}
  one_two:
    after: ["first.yes", first, other]
    on_error: first
    if: steps.first.x && steps."first".y && not_steps.one && a.steps.one
    with: {text: "${steps.first.a} ${steps.one_two.b} ${steps.\\"first\\".c}"}
tests:
  - name: t
    mocks: {first: {outcome: yes}}
    expect:
      ran: [first.yes]
      skipped: first
      inputs: {first: {}}
layout:
  steps:
    first: [1, 2]
"""
    )


def test_a_name_that_is_taken_and_a_step_that_is_gone_are_refused() -> None:
    with pytest.raises(Invalid, match="There is a step 'one_two' already"):
        renaming(Splicer(TEXT), "one", "one_two")
    with pytest.raises(Invalid, match="There is no step 'gone'"):
        renaming(Splicer(TEXT), "gone", "x")
