"""Health of the installation."""

from __future__ import annotations

from app.web.speech import Words

WORDS: Words = {
    "nav_health": ("Health", "Zustand"),
    "health_title": ("Health of the installation", "Zustand der Installation"),
    "check": ("Check", "Prüfung"),
    "checking": ("The shop is being asked …", "Der Shop wird gefragt …"),
    "where": ("Where", "Wo"),
    "finding": ("Finding", "Befund"),
    "way_out": ("Way out", "Ausweg"),
    "severity_error": ("wrong", "falsch"),
    "severity_warning": ("look at it", "ansehen"),
    "fixable": ("“Fix it” puts this right.", "„Beheben“ bringt das in Ordnung."),
    "by_hand": ("By hand, as it says.", "Von Hand, wie es dort steht."),
    "fix": ("Fix it", "Beheben"),
    "fix_help": (
        "What the app may change in the shop by itself can be put right now.",
        "Was die App im Shop selbst ändern darf, kann jetzt in Ordnung gebracht werden.",
    ),
    "all_well": ("Everything is as it must be.", "Alles ist, wie es sein muss."),
    "checks_passed": ("{count} checks passed", "{count} Prüfungen bestanden"),
    "stuck": ("Work that gave up", "Arbeit, die aufgab"),
    "stuck_none": ("All work is through or on its way.", "Alle Arbeit ist durch oder unterwegs."),
    "work": ("Work", "Arbeit"),
}
FIELDS: Words = {}
