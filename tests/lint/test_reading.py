"""The lint finds sentences that hide their subject wherever users read."""

from __future__ import annotations

import pytest

from tests.lint.reading import messages, obscure, sentences, words_of_the_dashboard


@pytest.mark.parametrize(
    "sentence",
    [
        "What runs is finished first.",
        "Whether it may go.",
        "Who cancels has the answer.",
        '"Which one" is left open.',
        "Ending: what runs is finished first",
    ],
)
def test_sentence_without_a_noun_in_front_is_obscure(sentence: str) -> None:
    assert obscure(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Running work ends first.",
        "What is a machine?",
        "`what` is a key.",
        "A what-if is a replay.",
    ],
)
def test_sentence_that_names_its_thing_or_asks_passes(sentence: str) -> None:
    assert not obscure(sentence)


def test_cells_items_and_sentences_of_a_page_are_told_apart() -> None:
    page = "# Title\n\nOne. Two\ngoes on.\n- Item\n\n| a | b |\n\n```sh\nwhat\n```\n"
    assert [each for each in sentences(page) if each[1]] == [
        *((1, "Title"), (3, "One."), (3, "Two goes on.")),
        *((5, "Item"), (7, "a"), (7, "b")),
    ]


def test_messages_are_judged_and_docstrings_and_keys_are_not() -> None:
    source = '"""What for, my friend."""\nraise E(f"{x} must be one; got {y}", "what")\n'
    assert list(messages(source)) == [(2, "` must be one; got `")]


def test_words_of_scripts_are_judged_and_comments_are_not() -> None:
    script = '/** "What it shows here" */\nshow(`Run ${id} has ended`, "run");\n'
    assert list(words_of_the_dashboard(script)) == [(2, "Run ` has ended")]
