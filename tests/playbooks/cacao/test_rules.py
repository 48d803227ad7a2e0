import json
import re

from cacao_samples import ORIGIN, cacao
from ringfence.actions.catalogue import discover
from ringfence.playbooks.cacao.rules import Playbook, json_schema
from ringfence.playbooks.cacao.writing import write
from ringfence.playbooks.starter import starters


def test_the_rules_are_a_json_schema_that_names_what_the_specification_demands() -> None:
    schema = json_schema()
    demanded = {"type", "spec_version", "id", "name", "created_by", "created", "modified", "workflow_start", "workflow"}
    assert set(schema["required"]) == demanded
    pattern = schema["properties"]["id"]["pattern"]
    assert re.search(pattern, ORIGIN.id)
    assert json.dumps(schema)


def test_nothing_that_we_write_is_unknown_to_the_rules() -> None:
    for starter in starters().values():
        playbook = Playbook.model_validate(write(starter.source, discover(), ORIGIN).document)
        assert playbook.unknown == ()
        for step in playbook.workflow.values():
            assert step.unknown == ()
            for command in getattr(step, "commands", ()):
                assert command.unknown == ()


def test_properties_that_are_not_known_are_kept_to_be_told() -> None:
    assert Playbook.model_validate(cacao(contoso_risk=3)).unknown == ("contoso_risk",)
