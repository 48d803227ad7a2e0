"""The rules of CACAO Security Playbooks 2.0 as types; `json_schema` gives them as a JSON Schema.

Written from the specification (OASIS Committee Specification 01, 27 November 2023, sections 3 to 10) and from what the
JSON schemas of its committee (oasis-open/cacao-json-schemas) demand. Properties that the format does not know are kept, so
that whoever takes a document can say what it leaves out.
"""

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

UUID: Final = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
MOST_STEPS: Final = 500
VARIABLE: Final = r"__[a-zA-Z_][a-zA-Z0-9_-]{0,199}__"

Identifier: TypeAlias = Annotated[str, StringConstraints(pattern=rf"^[a-z][a-z0-9-]+[a-z0-9]--{UUID}$")]
Extension: TypeAlias = Annotated[str, StringConstraints(pattern=rf"^extension-definition--{UUID}$")]
VariableName: TypeAlias = Annotated[str, StringConstraints(pattern=rf"^{VARIABLE}$")]
Timestamp: TypeAlias = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9]{4}-(0[1-9]|1[012])-(0[1-9]|[12][0-9]|3[01])"
        r"T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(\.[0-9]+)?Z$"
    ),
]
Extensions: TypeAlias = dict[Extension, dict[str, JsonValue]]
Percent: TypeAlias = Annotated[int, Field(ge=0, le=100)]
Milliseconds: TypeAlias = Annotated[int, Field(ge=0)]


class Object(BaseModel):
    """What everything of the format is: strict about types, open to further properties."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The properties that the format does not know."""
        return tuple(self.model_extra or ())


class Variable(Object):
    """A variable (section 10.18); a value other than a text is a dictionary."""

    type: str
    description: str | None = None
    value: str | dict[str, JsonValue] | None = None
    constant: bool = False
    external: bool = False


Variables: TypeAlias = dict[VariableName, Variable]


class Reference(Object):
    """An external reference (section 10.9)."""

    name: str = ""
    description: str | None = None
    source: str | None = None
    url: str | None = None
    external_id: str | None = None
    reference_id: str | None = None


class Command(Object):
    """A command of an action step (section 5), of a known type or another."""

    type: str
    description: str | None = None
    version: str | None = None
    playbook_activity: str | None = None
    external_references: list[Reference] = Field(default_factory=list)
    command: str | None = None
    command_b64: str | None = None
    headers: dict[str, list[str]] | None = None
    content: str | None = None
    content_b64: str | None = None


class AgentTarget(Object):
    """An agent or a target (section 7)."""

    type: str
    name: str
    description: str | None = None
    category: Annotated[list[str], Field(min_length=1)] | None = None
    agent_target_extensions: Extensions | None = None


class _Step(Object):
    name: str | None = None
    description: str | None = None
    external_references: list[Reference] = Field(default_factory=list)
    delay: Milliseconds | None = None
    timeout: Milliseconds | None = None
    step_variables: Variables = Field(default_factory=dict)
    owner: Identifier | None = None
    on_completion: Identifier | None = None
    on_success: Identifier | None = None
    on_failure: Identifier | None = None
    step_extensions: Extensions | None = None

    @model_validator(mode="after")
    def _one_way_on(self) -> "_Step":
        if self.on_completion is not None and (self.on_success is not None or self.on_failure is not None):
            raise PydanticCustomError("ways", "has on_completion beside on_success or on_failure")
        return self


class Start(_Step):
    """Where a workflow begins (section 4.3)."""

    type: Literal["start"]

    @model_validator(mode="after")
    def _only_on(self) -> "Start":
        if self.on_success is not None or self.on_failure is not None:
            raise PydanticCustomError("ways", "is a start step and may have on_completion only")
        return self


class End(_Step):
    """Where a workflow or a branch ends (section 4.4)."""

    type: Literal["end"]

    @model_validator(mode="after")
    def _no_way_on(self) -> "End":
        if (self.on_completion, self.on_success, self.on_failure) != (None, None, None):
            raise PydanticCustomError("ways", "is an end step, and nothing may follow it")
        return self


class Action(_Step):
    """Commands that an agent carries out on targets (section 4.5)."""

    type: Literal["action"]
    commands: Annotated[list[Command], Field(min_length=1, max_length=MOST_STEPS)]
    agent: Identifier
    targets: Annotated[list[Identifier], Field(min_length=1)] | None = None
    in_args: list[str] | None = None
    out_args: list[str] | None = None


class PlaybookAction(_Step):
    """Another playbook as a step (section 4.6)."""

    type: Literal["playbook-action"]
    playbook_id: Identifier
    playbook_version: Timestamp | None = None
    in_args: list[str] | None = None
    out_args: list[str] | None = None


class Parallel(_Step):
    """Branches that are done side by side (section 4.7)."""

    type: Literal["parallel"]
    next_steps: Annotated[list[Identifier], Field(min_length=2)]


class IfCondition(_Step):
    """One branch or the other (section 4.8)."""

    type: Literal["if-condition"]
    condition: str
    on_true: Identifier
    on_false: Identifier | None = None


class WhileCondition(_Step):
    """A branch that is done again and again (section 4.9)."""

    type: Literal["while-condition"]
    condition: str
    on_true: Identifier


class SwitchCondition(_Step):
    """One branch of several, by a value (section 4.10)."""

    type: Literal["switch-condition"]
    switch: str
    cases: Annotated[dict[str, Identifier], Field(min_length=1)]


Step: TypeAlias = Annotated[
    Start | End | Action | PlaybookAction | Parallel | IfCondition | WhileCondition | SwitchCondition,
    Field(discriminator="type"),
]


class Marking(Object):
    """A data marking (section 9)."""

    type: Literal["marking-statement", "marking-tlp", "marking-iep"]
    id: Identifier
    created_by: Identifier
    created: Timestamp
    name: str | None = None
    description: str | None = None
    statement: str | None = None
    tlpv2_level: Literal["TLP:RED", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:GREEN", "TLP:CLEAR"] | None = None


class ExtensionDefinition(Object):
    """What an extension is (section 8)."""

    type: Literal["extension-definition"]
    name: str
    created_by: Identifier
    # The property is called schema, a name that pydantic's models have taken.
    schema_: str = Field(alias="schema")
    version: str
    description: str | None = None
    external_references: list[Reference] = Field(default_factory=list)


class Playbook(Object):
    """A whole CACAO playbook (section 3)."""

    type: Literal["playbook"]
    spec_version: Literal["cacao-2.0"]
    id: Annotated[str, StringConstraints(pattern=rf"^playbook--{UUID}$")]
    name: str
    description: str | None = None
    playbook_types: list[str] | None = None
    playbook_activities: Annotated[list[str], Field(min_length=1)] | None = None
    playbook_processing_summary: dict[str, bool] | None = None
    created_by: Identifier
    created: Timestamp
    modified: Timestamp
    revoked: bool = False
    valid_from: Timestamp | None = None
    valid_until: Timestamp | None = None
    derived_from: list[Identifier] | None = None
    related_to: list[Identifier] | None = None
    priority: Percent | None = None
    severity: Percent | None = None
    impact: Percent | None = None
    industry_sectors: list[str] | None = None
    labels: list[str] | None = None
    external_references: list[Reference] = Field(default_factory=list)
    markings: list[Identifier] | None = None
    playbook_variables: Variables = Field(default_factory=dict)
    workflow_start: Identifier
    workflow_exception: Identifier | None = None
    workflow: Annotated[dict[Identifier, Step], Field(min_length=2, max_length=MOST_STEPS)]
    playbook_extensions: Extensions | None = None
    authentication_info_definitions: dict[Identifier, dict[str, JsonValue]] | None = None
    agent_definitions: dict[Identifier, AgentTarget] = Field(default_factory=dict)
    target_definitions: dict[Identifier, AgentTarget] = Field(default_factory=dict)
    extension_definitions: dict[Extension, ExtensionDefinition] = Field(default_factory=dict)
    data_marking_definitions: dict[Identifier, Marking] = Field(default_factory=dict)
    signatures: list[dict[str, JsonValue]] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "Playbook":
        if self.modified < self.created:
            raise PydanticCustomError("order", "was modified before it was created")
        return self


def json_schema() -> dict[str, Any]:
    """Give the rules as a JSON Schema (2020-12), without those that join one part of a document to another."""
    return Playbook.model_json_schema(by_alias=True)
