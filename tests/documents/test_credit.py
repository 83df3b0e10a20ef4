import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.documents.credit import Part, credit_parts

LINES = [Part(10000, 10863), Part(5000, 5000), Part(0, 0)]


def test_the_whole_gives_back_every_line() -> None:
    assert credit_parts(LINES, [], 15863) == LINES


def test_a_part_falls_on_the_lines_by_their_gross() -> None:
    assert credit_parts(LINES, [], 1586) == [Part(1000, 1086), Part(500, 500), Part(0, 0)]


def test_what_is_left_is_given_back_to_the_cent() -> None:
    first = credit_parts(LINES, [], 1586)
    rest = credit_parts(LINES, [1586], 15863 - 1586)
    assert [Part(a.net + b.net, a.gross + b.gross) for a, b in zip(first, rest, strict=True)] == LINES


def test_more_than_is_left_is_an_error() -> None:
    with pytest.raises(ValueError, match="more than"):
        credit_parts(LINES, [15000], 864)


lines = st.lists(
    st.tuples(st.integers(0, 10**9), st.integers(0, 10**8)).map(lambda pair: Part(pair[0], sum(pair))), min_size=1, max_size=6
)


@given(lines, st.lists(st.integers(1, 10**9), max_size=5))
def test_any_row_of_credits_ends_at_the_invoice(found: list[Part], wanted: list[int]) -> None:
    left = sum(part.gross for part in found)
    amounts: list[int] = []
    sums = [[0, 0] for _ in found]
    for want in [*wanted, 10**18]:
        amount = min(want, left)
        if amount == 0:
            break
        parts = credit_parts(found, amounts, amount)
        assert sum(part.gross for part in parts) == amount
        for total, part, line in zip(sums, parts, found, strict=True):
            assert 0 <= part.net <= line.net
            assert part.gross - part.net >= 0
            total[0], total[1] = total[0] + part.net, total[1] + part.gross
        amounts.append(amount)
        left -= amount
    if sum(part.gross for part in found):
        assert sums == [[part.net, part.gross] for part in found]
