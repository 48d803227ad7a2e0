from ringfence.actions.catalogue import discover
from ringfence.playbooks.cacao.flow import flow_of
from ringfence.playbooks.document import read
from ringfence.playbooks.starter import find

DIAMOND = """ringfence: 1
name: Diamond
trigger: {type: manual}
steps:
  first: {action: logic.set, with: {values: {}}}
  left: {after: first, action: logic.set, with: {values: {}}}
  right: {after: first, action: logic.condition, with: {test: "`true`"}}
  after_yes: {after: right.yes, action: logic.set, with: {values: {}}}
  after_no: {after: right.no, action: logic.set, with: {values: {}}}
  last: {after: [left, after_yes, after_no], join: any, action: logic.set, with: {values: {}}}
"""


def test_ways_meet_where_all_that_follows_comes_together() -> None:
    playbook = read(DIAMOND).playbook
    assert playbook is not None
    flow = flow_of(playbook, discover())
    assert flow.roots == ("first",)
    assert flow.meeting(["left", "right"]) == "last"
    assert flow.beyond("right") == "last"
    assert flow.beyond("last") is None
    assert flow.after("right", "yes") == ("after_yes",)


def test_a_way_that_ends_early_never_meets_the_others() -> None:
    playbook = read(DIAMOND.replace("after_no]", "left]")).playbook
    assert playbook is not None
    assert flow_of(playbook, discover()).meeting(["left", "right"]) is None


def test_a_failure_leads_away_and_is_no_way_on() -> None:
    playbook = read(find("contain-malware").source).playbook
    assert playbook is not None
    flow = flow_of(playbook, discover())
    assert flow.failed["isolate"] == ("comment_failed",)
    assert flow.after("isolate", "success") == ("comment_contained",)
