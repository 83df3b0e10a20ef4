"""What is new in a mail, as Gmail, Outlook, Apple Mail and Thunderbird quote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.quotes import own_words

GMAIL = (
    "Yes, 60 seats.\n\n"
    "On Mon, Mar 2, 2026 at 12:00 PM Example Components <\nresellers@vendor.example> wrote:\n\n"
    "> 15 % it is.\n>\n> -- \n> Example"
)
GMAIL_DE = "Ja, gern.\n\nAm Mo., 2. März 2026 um 12:00 Uhr schrieb Example <a@vendor.example>:\n\n> Passt das?"
OUTLOOK = (
    "Ja, gern.\n\nMit freundlichen Grüßen\nRita\n\n"
    "Von: Example <a@vendor.example>\nGesendet: Montag, 2. März 2026 12:00\nAn: Rita\nBetreff: A2026-00001\n\nPasst das?"
)
OUTLOOK_OLD = "Yes.\n\n-----Original Message-----\nFrom: Example\nSent: Monday\n\nFine?"
APPLE = "Yes.\n\n> On 2. Mar 2026, at 12:00, Example <a@vendor.example> wrote:\n> \n> Fine?\n"
INLINE = "On Monday, Rita wrote:\n> How many?\n60.\n> When?\nIn May."


@pytest.mark.parametrize(
    ("text", "own"),
    [
        (GMAIL, "Yes, 60 seats."),
        (GMAIL_DE, "Ja, gern."),
        (OUTLOOK, "Ja, gern.\n\nMit freundlichen Grüßen\nRita"),
        (OUTLOOK_OLD, "Yes."),
        (APPLE, "Yes."),
        (INLINE, INLINE),
        ("Yes.\n-- \nRita, +49 89 1234", "Yes."),
        ("From: our side all is well.\nGo on.", "From: our side all is well.\nGo on."),
        ("On Monday we wrote: nothing.\nMore.", "On Monday we wrote: nothing.\nMore."),
        ("> only a quote", "> only a quote"),
        ("-- \nRita", "-- \nRita"),
        ("", ""),
    ],
)
def test_the_answer_stays_and_the_copy_goes(text: str, own: str) -> None:
    assert own_words(text) == own


@given(
    st.lists(
        st.sampled_from(["Yes.", "", "> quoted", "-- ", "On x y z a wrote:", "From: a", "Sent: b", "---- Original Message ----"])
    )
)
def test_something_is_left_of_whatever_says_something(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert bool(own_words(text)) == bool(text.strip())
    assert own_words(text) in text
