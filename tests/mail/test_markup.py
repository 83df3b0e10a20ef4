from typing import Any

import pytest

from app.errors import InvalidInput, NotFound
from app.mail import overrides
from app.mail.markup import Look
from app.mail.overrides import NAMES, built_in, check_template
from app.mail.rules import LAYOUT, Templates, compose, words_and_pictures
from app.mail.samples import sample
from app.mail.schemas import MailKind
from tests.conftest import NOW

NAME = "reminder.en"
GOOD = """<mjml>
<mj-head><mj-title>About {{ c.company }}</mj-title></mj-head>
<mj-body><mj-section><mj-column>
{% for line in c.reminded %}
<mj-text>Order {{ line.order_number }}: {{ line.open | money(language) }}</mj-text>
{% endfor %}
</mj-column></mj-section></mj-body>
</mjml>
"""


def with_line(number: int, line: str) -> str:
    lines = GOOD.splitlines()
    lines[number - 1] = line
    return "\n".join(lines) + "\n"


def test_the_vendors_own_template_makes_subject_html_and_text() -> None:
    check_template(NAME, GOOD, Templates())
    made, pictures = words_and_pictures(
        MailKind.REMINDER, "en", sample(MailKind.REMINDER), Look(), Templates({NAME: GOOD}), "m@x"
    )
    assert made.subject == "About Beta Resell GmbH"
    assert made.text == "Order 1042: EUR 1,118.80\n\nOrder 1043: EUR 18.80\n"
    assert "Order 1043" in made.html
    assert pictures == {}


@pytest.mark.parametrize("name", NAMES)
def test_every_built_in_template_is_one_a_vendor_could_set(name: str) -> None:
    check_template(name, built_in(name), Templates())


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (with_line(4, "{% for line in %}"), "reminder.en, line 4: "),
        (with_line(5, "<mj-text>{{ line.order_number }"), "reminder.en, line 5: "),
        (with_line(5, "<mj-text>{{ line.nothing }}</mj-text>"), "reminder.en, line 5: .* has no attribute 'nothing'"),
        (with_line(5, "<mj-text>{{ total }}</mj-text>"), "reminder.en, line 5: 'total' is undefined"),
        (with_line(5, "<mj-text>{{ 1 / 0 }}</mj-text>"), "reminder.en, line 5: division by zero"),
        (with_line(5, "<mj-text>{{ line.open | cents }}</mj-text>"), "reminder.en, line 5: No filter named 'cents'"),
        (with_line(5, "<mj-texts>x</mj-texts>"), "reminder.en, line 5: there is no <mj-texts>"),
        (with_line(5, "<mj-text>x"), "reminder.en, line 5: <mj-text> is not closed before </mj-column>"),
        (with_line(5, "</mj-text>"), "reminder.en, line 5: </mj-text> closes nothing"),
        (with_line(5, '<mj-include path="/etc/passwd" />'), "reminder.en, line 5: <mj-include> is not possible"),
        (with_line(5, "{% include 'secrets.mjml' %}"), "there is no template 'secrets.mjml'"),
        (with_line(5, "{% include '../rules.py' %}"), "there is no template '../rules.py'"),
        (with_line(2, "<mj-head></mj-head>"), "reminder.en: the mail has no subject"),
        (with_line(5, "<mj-text>{{ c.__class__.__mro__ }}</mj-text>"), "reminder.en, line 5: access to attribute '__class__'"),
        (with_line(5, "<mj-text>{{ ''.__class__ }}</mj-text>"), "reminder.en, line 5: access to attribute"),
        (with_line(5, "{% for i in range(10**9) %}x{% endfor %}"), "reminder.en, line 5: Range too big"),
        (
            with_line(5, "<mj-text>{{ 'x' * 600000 }}</mj-text>"),
            "reminder.en, line [45]: the mail has more than 500,000 characters",
        ),
        ("just words", "it is no MJML|is no"),
        ("x" * 200_001, "more than 200,000 characters"),
        ("\x00", "it is no text"),
    ],
)
def test_a_template_with_an_error_is_refused_with_its_line(source: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as refused:
        check_template(NAME, source, Templates())
    assert refused.value.code == "mail_template"


def test_an_error_behind_shared_parts_is_at_the_line_that_uses_them() -> None:
    source = built_in(NAME).replace('("Order", line.order_number)', '("Order", line.number)')
    wrong = next(number for number, line in enumerate(source.splitlines(), 1) if "line.number" in line)
    with pytest.raises(InvalidInput, match=rf"reminder\.en, line {wrong}: "):
        check_template(NAME, source, Templates())
    unclosed = built_in(NAME).replace("please answer this mail.{% endcall %}", "please answer <b>this mail.{% endcall %}")
    wrong = next(number for number, line in enumerate(unclosed.splitlines(), 1) if "<b>" in line)
    with pytest.raises(InvalidInput, match=rf"reminder\.en, line {wrong}: <b> is not closed"):
        check_template(NAME, unclosed, Templates())


def test_a_layout_of_the_vendors_own_holds_every_mail() -> None:
    own = built_in(LAYOUT).replace("<mj-body", "<!-- ours --><mj-body", 1)
    check_template(LAYOUT, own, Templates())
    made, _ = words_and_pictures(MailKind.TEST, "de", sample(MailKind.TEST), Look(), Templates({LAYOUT: own}), "m@x")
    assert "Es funktioniert" in made.text
    with pytest.raises(InvalidInput, match=r"layout, line \d+: 'colour' is undefined"):
        check_template(LAYOUT, own.replace("{{ look.accent }}", "{{ colour }}", 1), Templates())


def test_a_stored_template_that_fails_later_gives_way_to_the_built_in_one() -> None:
    templates = Templates({NAME: with_line(5, "<mj-text>{{ line.gone }}</mj-text>")})
    context: Any = sample(MailKind.REMINDER)
    facts: dict[str, Any] = {"sender": "a@b.example", "recipient": "c@d.example", "message_id": "m@x", "at": NOW}
    composed = compose(MailKind.REMINDER, "en", context, [], templates=templates, **facts)
    (fault,) = templates.faults
    assert (fault.template, fault.line) == (NAME, 5)
    assert composed == compose(MailKind.REMINDER, "en", context, [], **facts)


def test_a_template_that_nobody_knows_names_those_there_are() -> None:
    with pytest.raises(NotFound, match=r"no template 'reminder.fr'.*reminder\.de.*layout"):
        overrides.known("reminder.fr")
