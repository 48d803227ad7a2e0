from typing import Any

import pytest

from ringfence.simulator import Simulator, portal
from ringfence.simulator.hunting.engine import Limits, Result, TooLarge, run
from ringfence.simulator.hunting.syntax import SemanticError
from ringfence.simulator.hunting.timespan import window
from ringfence.simulator.specs import AlertSpec
from ringfence.simulator.tenant import Tenant


@pytest.fixture
def attacked(simulator: Simulator, contoso: Tenant) -> Tenant:
    """The tenant after three alerts, an hour apart; it is an hour later than the last."""
    for severity, category, title in (
        ("Low", "Execution", "Suspicious PowerShell download"),
        ("High", "Ransomware", "Ransomware behavior detected"),
        ("High", "Execution", "power_shell.exe ran"),
    ):
        spec = AlertSpec.model_validate(
            {"machine": "wks-001", "severity": severity, "category": category, "title": title}
        )
        portal.raise_alert(contoso, spec, simulator.clock.now())
        simulator.clock.advance(3_600)
    return contoso


@pytest.fixture
def hunt(simulator: Simulator, attacked: Tenant) -> Any:
    """Run a query now."""

    def ask(text: str, span: str | None = None, limits: Limits | None = None) -> Result:
        now = simulator.clock.now()
        return run(attacked, text, now, window(span, now), limits)

    return ask


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("Severity == 'High'", 2),
        ("Severity == 'high'", 0),
        ("Severity =~ 'high'", 2),
        ("Severity !~ 'high'", 1),
        ("Severity != 'High'", 1),
        ("Title has 'shell'", 1),
        ("Title has 'POWERSHELL'", 1),
        ("Title has 'power'", 1),
        ("Title !has 'shell'", 2),
        ("Title contains 'SHELL'", 2),
        ("Title startswith 'ransom'", 1),
        ("Title endswith 'RAN'", 1),
        ("Category in ('Execution', 'Other')", 2),
        ("Category in ('execution')", 0),
        ("Category in~ ('execution')", 2),
        ("Category !in ('Execution')", 1),
        ("Timestamp > ago(150m)", 2),
        ("Timestamp >= ago(2h) and Timestamp < ago(1h)", 1),
        ("Timestamp <= datetime(2026-03-01T12:00:00Z)", 1),
        ("not(Severity == 'High') or Category == 'Ransomware'", 2),
        ("(Severity == 'High' and (Category == 'Execution'))", 1),
        ("'High' == Severity", 2),
        ("true", 3),
        ("not(true)", 0),
        ("Timestamp between (ago(2h) .. now())", 2),
        ("Timestamp !between (ago(2h) .. now())", 1),
        ("strcat(Severity, ':', Category) in ('High:Execution', 'x')", 1),
        ("tolower(Severity) == 'high' and isnotempty(Title)", 2),
        ("isempty(AlertId)", 0),
    ],
)
def test_conditions(hunt: Any, condition: str, count: int) -> None:
    assert len(hunt(f"AlertInfo | where {condition}").rows) == count


def test_columns_are_kept_renamed_and_typed(hunt: Any) -> None:
    result = hunt("AlertInfo | project Timestamp, What = Title | take 1")
    assert result.schema == {"Timestamp": "DateTime", "What": "String"}
    assert result.rows == [{"Timestamp": "2026-03-01T12:00:00Z", "What": "Suspicious PowerShell download"}]


def test_groups_are_counted(hunt: Any) -> None:
    result = hunt("AlertInfo | summarize count(), Total=count() by Severity | order by count_ desc")
    assert result.schema == {"Severity": "String", "count_": "Int64", "Total": "Int64"}
    assert result.rows == [
        {"Severity": "High", "count_": 2, "Total": 2},
        {"Severity": "Low", "count_": 1, "Total": 1},
    ]
    assert hunt("AlertInfo | where Title == 'x' | summarize count()").rows == [{"count_": 0}]
    assert hunt("AlertInfo | summarize by Category | sort by Category asc").rows == [
        {"Category": "Execution"},
        {"Category": "Ransomware"},
    ]


def test_distinct_rows_and_the_number_of_rows(hunt: Any) -> None:
    assert hunt("AlertInfo | distinct Category, Severity | count").rows == [{"Count": 3}]
    assert hunt("AlertInfo | distinct Category").rows == [{"Category": "Execution"}, {"Category": "Ransomware"}]
    assert hunt("AlertInfo | where Title == 'x' | distinct Category").rows == []
    assert hunt("AlertInfo | where Title == 'x' | count").rows == [{"Count": 0}]


def test_order_is_descending_unless_said_otherwise(hunt: Any) -> None:
    titles = [row["Title"] for row in hunt("AlertInfo | sort by Category, Timestamp asc").rows]
    assert titles == ["Ransomware behavior detected", "Suspicious PowerShell download", "power_shell.exe ran"]
    assert [row["Title"] for row in hunt("AlertInfo | top 1 by Timestamp").rows] == ["power_shell.exe ran"]
    assert len(hunt("AlertInfo | top 2 by Timestamp asc | limit 0").rows) == 0


def test_truths_and_numbers_compare(hunt: Any) -> None:
    everyone = len(hunt("DeviceInfo").rows)
    assert everyone > 0
    for text in ("IsAzureADJoined", "IsAzureADJoined == true", "IsAzureADJoined == 1", "OSBuild > -1", "OSBuild >= 0"):
        assert len(hunt(f"DeviceInfo | where {text}").rows) == everyone, text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Nothing", "Failed to resolve table or column expression named 'Nothing'. Fix semantic errors in your query."),
        ("AlertInfo | where Nope == 1", "'where' operator: Failed to resolve table or column expression named 'Nope'."),
        ("AlertInfo | summarize count() by X", "'summarize' operator: Failed to resolve scalar expression named 'X'."),
        ("AlertInfo | project x", "'project' operator: Failed to resolve scalar expression named 'x'."),
        ("AlertInfo | top 1 by x", "'top' operator: Failed to resolve scalar expression named 'x'."),
        ("AlertInfo | order by severity", "'order' operator: Failed to resolve scalar expression named 'severity'."),
        ("AlertInfo | project Title | where Severity == 'x'", "expression named 'Severity'"),
        ("AlertInfo | project Title, Title", "A column named 'Title' already exists"),
        ("AlertInfo | summarize count(), count()", "A column named 'count_' already exists"),
        ("AlertInfo | where Severity == 1", "Cannot compare values of types string and long"),
        ("AlertInfo | where Severity > 'a'", "Operator '>' cannot be applied to values of type string"),
        ("AlertInfo | where Timestamp has 'a'", "Cannot compare values of types datetime and string"),
        ("AlertInfo | distinct Nope", "'distinct' operator: Failed to resolve scalar expression named 'Nope'."),
        ("DeviceInfo | where tostring(IsAzureADJoined) == '1'", "tostring(): argument cannot be of type bool"),
        ("AlertInfo | where Severity between ('a' .. 'b')", "Operator '>=' cannot be applied to values of type string"),
        ("AlertInfo | where Severity", "Filter expression must be boolean"),
    ],
)
def test_what_is_not_there_is_a_semantic_error(hunt: Any, text: str, message: str) -> None:
    with pytest.raises(SemanticError) as problem:
        hunt(text)
    assert message in str(problem.value)
    assert str(problem.value).endswith(". Fix semantic errors in your query.")


def test_a_window_hides_older_rows(hunt: Any, simulator: Simulator) -> None:
    assert len(hunt("AlertInfo", "PT150M").rows) == 2
    assert len(hunt("AlertInfo", "2026-03-01T12:30:00Z/PT1H").rows) == 1
    simulator.clock.advance(31 * 86_400)
    assert not hunt("AlertInfo").rows


def test_rows_beyond_the_limit_are_cut_and_a_result_too_large_is_refused(hunt: Any) -> None:
    assert len(hunt("AlertInfo", None, Limits(rows=2)).rows) == 2
    with pytest.raises(TooLarge):
        hunt("AlertInfo", None, Limits(size=300))
