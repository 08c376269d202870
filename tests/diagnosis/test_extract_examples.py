"""The extractor on the example failures, real logs whose labels were written before it was run on them."""

import pytest

from bot.diagnosis import extract, make_extract
from tests.diagnosis.failures.examples import Example, examples

LABELLED = [example for example in examples() if example.spans]


@pytest.mark.parametrize("example", LABELLED, ids=lambda example: example.recipe.id)
def test_the_first_line_of_the_cause_is_among_fifty(example: Example) -> None:
    head = [number for first, last in example.spans for number in range(first, last + 1)][:3]
    assert set(head) & set(extract(example.log, 50))


@pytest.mark.parametrize("example", LABELLED, ids=lambda example: example.recipe.id)
def test_the_first_line_of_the_cause_is_among_what_an_analyst_is_given(example: Example) -> None:
    head = [number for first, last in example.spans for number in range(first, last + 1)][:3]
    assert set(head) & {number for number, _ in make_extract(example.log).lines}
