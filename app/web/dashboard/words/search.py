"""The search on every page, and what it finds."""

from __future__ import annotations

from app.web.speech import Words

WORDS: Words = {
    "search_title": ("Search", "Suche"),
    "search_of": ("Search: {text}", "Suche: {text}"),
    "search_hint": ("Number, reference or e-mail", "Nummer, Referenz, E-Mail"),
    "search_name": ("Found", "Gefunden"),
    "search_kind": ("What it is", "Was es ist"),
    "search_for": ("Of", "Von"),
    "search_begin": ("Type what you have before you.", "Tippen Sie ab, was Ihnen vorliegt."),
    "search_nothing": ("Nothing is named so.", "Nichts heißt so."),
    "search_help": (
        "The number of an order, purchase order, invoice, credit note or statement; a creditor reference (RF…); the bank's own "
        "reference of a wire or refund; the id of a license; an e-mail; or a part of a company's name. Numbers are whole.",
        "Die Nummer einer Bestellung (auch die eigene des Kunden), Rechnung, Gutschrift oder Abrechnung; eine Referenz (RF…); "
        "die Bankreferenz einer Zahlung oder Erstattung; die ID einer Lizenz; eine E-Mail; oder ein Teil eines Firmennamens. "
        "Nummern ganz.",
    ),
    "hit_order": ("Order", "Bestellung"),
    "hit_statement": ("Statement", "Abrechnung"),
    "hit_license": ("License", "Lizenz"),
    "hit_key": ("Licenses of a key", "Lizenzen eines Schlüssels"),
    "hit_customer": ("End customer", "Endkunde"),
    "hit_line": ("Bank line", "Bankzeile"),
    "hit_ledger": ("Wire without an order", "Zahlung ohne Bestellung"),
    "hit_reseller": ("Reseller", "Wiederverkäufer"),
    "hit_application": ("Application", "Bewerbung"),
}
FIELDS: Words = {}
