import re

from ringfence.security import token_text


def test_a_token_is_found_by_scanners_and_checks_itself() -> None:
    made = [token_text.make() for _ in range(50)]
    assert len(set(made)) == 50
    assert all(re.fullmatch(r"rf_[0-9A-Za-z]{42}", each) for each in made)
    assert all(token_text.plausible(each) for each in made)


def test_one_wrong_character_is_noticed_without_asking_anybody() -> None:
    made = token_text.make()
    for place in range(len(made)):
        wrong = made[:place] + ("b" if made[place] == "a" else "a") + made[place + 1 :]
        assert not token_text.plausible(wrong)
    for text in ("", "rf_", made[:-1], made + "0", made.replace("rf_", "gh_"), "é" * 45):
        assert not token_text.plausible(text)


def test_the_check_is_the_one_that_scanners_reckon_with() -> None:
    assert token_text.plausible("rf_" + "0" * 36 + "2MMOGy")
