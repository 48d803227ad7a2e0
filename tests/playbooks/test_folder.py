import pytest

from ringfence.playbooks.folder import file_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Contain Ransomware", "contain-ransomware.yaml"),
        ("Überwachung: ../x", "uberwachung-x.yaml"),
        ("…", "playbook.yaml"),
    ],
)
def test_a_file_is_named_readably_and_stays_in_its_folder(name: str, expected: str) -> None:
    assert file_name(name) == expected


def test_playbooks_whose_names_would_be_one_file_get_two() -> None:
    assert file_name("Look!", {"look.yaml"}) != file_name("look", {"look.yaml"}) != "look.yaml"
