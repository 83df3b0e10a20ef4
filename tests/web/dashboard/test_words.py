"""Every word of the staff's pages is there, in both languages, and used."""

from __future__ import annotations

import re
import string

from app.reasons import SENTENCES
from app.web.dashboard.rendering import HERE
from app.web.dashboard.words import FIELDS, WORDS
from app.web.german import REASONS
from app.web.german_health import HEALTH_REASONS
from app.web.german_staff import STAFF_REASONS
from app.web.speech import GERMAN

PREFIXES = (
    "notice_", "reseller_", "order_", "terms_", "license_", "kind_", "role_", "scope_", "inbox_kind_", "certificate_", "did_",
    "decide_", "application_", "business_", "ledger_", "document_", "mail_", "tab_", "permission_", "severity_", "orders_",
    "lines_", "payers_", "payments_", "outcome_", "import_", "rule_", "verified_", "statements_", "licenses_", "bucket_",
    "statement_", "failed", "hold", "release", "accept", "suspend", "revoke", "reinstate", "nav_", "change_", "setting",
    "direction_", "arrival_", "mailkind_", "language_", "workflow_", "subject_", "template_", "report_", "period_", "exemption_",
    "hit_",
)  # fmt: skip


def test_every_word_is_there_and_has_the_same_places_in_both_languages() -> None:
    templates = "".join(path.read_text() for path in HERE.glob("templates/*.html"))
    code = templates + "".join(path.read_text() for path in [*HERE.glob("*.py"), HERE.parent / "speech.py"])
    used = set(re.findall(r'\bt\("([a-z_0-9-]+)"[,)]', templates)) | set(re.findall(r'both\.en\.word\("([a-z_]+)"', templates))
    assert used <= set(WORDS), used - set(WORDS)
    for key, (english, german) in WORDS.items():
        assert places(english) == places(german), key
        assert english, key
        assert german, key
        assert f'"{key}"' in code or key.startswith(PREFIXES), key
    for notice in re.findall(r'staff\.go\([^)]*, "([a-z_]+)"', code):
        assert f"notice_{notice}" in WORDS, notice
    assert all(both[0] and both[1] for both in FIELDS.values())


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def test_every_reason_is_said_in_german_with_the_same_places() -> None:
    for code, sentence in SENTENCES.items():
        if code.startswith("test_"):  # registered by another test of the same process
            continue
        assert code in GERMAN, code
        assert places(GERMAN[code]) <= places(sentence), code
    assert len(GERMAN) == len(REASONS) + len(STAFF_REASONS) + len(HEALTH_REASONS)
