"""Lists in sentences."""

import pytest

from jaxmorph.listing import first_of, joined


@pytest.mark.parametrize(
    ("items", "text"), [("", ""), ("a", "a"), ("ab", "a and b"), ("abc", "a, b and c")]
)
def test_a_list_has_and_before_its_last_item(items: str, text: str) -> None:
    assert joined(items) == text


def test_the_last_word_can_be_another() -> None:
    assert joined("abc", "or") == "a, b or c"


@pytest.mark.parametrize(
    ("items", "told"),
    [("abc", ["a", "b", "c"]), ("abcd", ["a", "b", "c", "d"]), ("abcde", ["a", "b", "c", "2 more"])],
)
def test_no_number_stands_for_a_single_item(items: str, told: list[str]) -> None:
    assert first_of(items, 3) == told


def test_what_is_left_has_words_of_its_own() -> None:
    assert first_of("abcd", 1, "the others in {} more") == ["a", "the others in 3 more"]
