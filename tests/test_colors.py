import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.colors import TEXT_CONTRAST, contrast, ink_on, readable

colors = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    assert contrast("#123456", "#123456") == 1


@given(colors, st.sampled_from(["#ffffff", "#1b2129"]))
def test_every_color_becomes_readable_and_a_readable_one_stays(color: str, background: str) -> None:
    made = readable(color, background)
    assert contrast(made, background) >= TEXT_CONTRAST
    if contrast(color, background) >= TEXT_CONTRAST:
        assert made == color


@given(colors)
def test_there_is_an_ink_for_every_color(color: str) -> None:
    assert contrast(ink_on(color), color) >= TEXT_CONTRAST


def test_a_yellow_stays_a_yellow_as_far_as_it_can() -> None:
    assert readable("#ffdd00", "#ffffff") == "#7f6e00"
    assert ink_on("#ffdd00") == "#000000"
