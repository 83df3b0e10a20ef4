import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.plain import MAX_HTML, plain_text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One\n  word</p><p>two</p>", "One word\n\ntwo\n"),
        ("<h1>Title</h1>text<br>line <b>bold</b>!", "Title\n\ntext\nline bold!\n"),
        ("<ol><li>a<li>b</ol><ul><li>c</ul>", "1. a\n2. b\n\n- c\n"),
        ("<ul><li>a<ul><li>b</li></ul></li></ul>", "- a\n  - b\n"),
        ("<blockquote>x<br>y</blockquote>z", "> x\n> y\n\nz\n"),
        ("<a href='https://a.example/?q=1&amp;r=2'>here</a> now", "here: https://a.example/?q=1&r=2 now\n"),
        ("<a href='https://a.example'>https://a.example</a>", "https://a.example\n"),
        ("<a href='javascript:alert(1)'>here</a>", "here\n"),
        ("<table><tr><th scope='row'>Due</th><td>soon</td></tr></table>", "Due:                 soon\n"),
        ("<table><tr><td>a<br>b</td><td></td><td>2</td></tr></table>", "a b | 2\n"),
        ("<table><tr><td><table><tr><td>in</td></tr></table></td><td><p>out</p></td></tr></table>", "in\n\nout\n"),
        ("<script>alert(1)</script><style>p{}</style>words<!-- no --><svg><title>no</title></svg>", "words\n"),
        ("<template><p>no</p></template><noscript>no</noscript>yes", "yes\n"),
        ("a &lt;script&gt; &amp; b&nbsp;c", "a <script> & b c\n"),
        ("evil\u202etxt.exe\x1b[31m red\x00", "evil txt.exe [31m red\n"),
        ("<mj-text css-class='only-html'>no</mj-text><mj-text>yes</mj-text>", "yes\n"),
        ("<mj-button href='https://a.example'>Go</mj-button>", "Go: https://a.example\n"),
        ("<img src=x alt='A logo'>", "A logo\n"),
        ("<tr><td>loose<tr><td>cells</table>", "loose\ncells\n"),
        ("", "\n"),
    ],
)
def test_markup_becomes_its_words(markup: str, text: str) -> None:
    assert plain_text(markup) == text


@given(st.text(alphabet=st.sampled_from("<>/!-?=\"' apbrtdulih1\x00\u202e&;#\n"), max_size=200))
def test_whatever_comes_becomes_text_without_directing_characters(markup: str) -> None:
    text = plain_text(markup)
    assert all(letter.isprintable() or letter == "\n" for letter in text)


@pytest.mark.parametrize(
    "part",
    ["<!--", "<a ", "<div>", "<table><tr><td>", "<![CDATA[", "<?", "</", "&#", "<blockquote>", "<ul>", '<a b="c>', "<a ='>"],
)
def test_hostile_html_takes_no_time(part: str) -> None:
    began = time.process_time()
    plain_text(part * (MAX_HTML // len(part) + 1))
    assert time.process_time() - began < 5
