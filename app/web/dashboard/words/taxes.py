"""Tax."""

from __future__ import annotations

from app.web.speech import Words

WORDS: Words = {
    "nav_tax": ("Tax", "Steuern"),
    "tab_certificates": ("Certificates", "Zertifikate"),
    "tab_registrations": ("Registrations", "Registrierungen"),
    "tab_rates": ("Rates", "Sätze"),
    # Certificates
    "certificate_search": ("Number or company", "Nummer oder Firma"),
    "came_in": ("Came in", "Eingegangen"),
    "certificates_wait_none": ("No certificate waits for a decision.", "Kein Zertifikat wartet auf eine Entscheidung."),
    "certificates_none_yet": ("There is no certificate yet.", "Es gibt noch kein Zertifikat."),
    "certificates_wait_help": (
        "Resellers hand them in on their own pages; each comes to the inbox, too.",
        "Wiederverkäufer reichen sie auf ihren Seiten ein; jedes kommt auch in den Eingang.",
    ),
    "paper": ("Document", "Dokument"),
    "paper_of": ("Document of certificate {number}", "Dokument des Zertifikats {number}"),
    "paper_saved": (
        "{name}: save it and look at it in a program of your own; a page never opens it.",
        "{name}: Speichern Sie es und sehen Sie es in einem eigenen Programm an; eine Seite öffnet es nie.",
    ),
    "paper_none": (
        "It was entered from paper; there is no document here.",
        "Es wurde von Papier erfasst; hier liegt kein Dokument.",
    ),
    "save_file": ("Save", "Sichern"),
    "what_it_says": ("What it says", "Was es sagt"),
    "form": ("Form", "Formular"),
    "signed_on": ("Signed", "Unterschrieben"),
    "replaces": ("Renews", "Erneuert"),
    "business_address": ("Business address", "Geschäftsadresse"),
    "review_on": ("Look at it again on {day}.", "Am {day} wieder ansehen."),
    "certificate_revoke_title": ("Revoke this certificate?", "Dieses Zertifikat widerrufen?"),
    "certificate_revoke_help": (
        "New orders are taxed from now on; orders that were not taxed by it keep their evidence and are flagged. The reseller is "
        "mailed the reason.",
        "Neue Bestellungen werden ab jetzt besteuert; Bestellungen, die deswegen unbesteuert blieben, behalten ihren Beleg und "
        "werden gekennzeichnet. Der Wiederverkäufer erhält den Grund per Mail.",
    ),
    "notice_certificate_revoked": ("The certificate is revoked.", "Das Zertifikat ist widerrufen."),
    # Registrations
    "registrations_title": ("States in which sales tax is collected", "Staaten, in denen Sales Tax erhoben wird"),
    "us_state": ("US state", "US-Staat"),
    "register": ("Add registration", "Registrierung hinzufügen"),
    "register_title": ("Registered in a state", "In einem Staat registriert"),
    "register_help": (
        "From this day on resellers there are taxed, unless a certificate exempts them.",
        "Von diesem Tag an werden Wiederverkäufer dort besteuert, wenn kein Zertifikat sie befreit.",
    ),
    "registration_end": ("Last day", "Letzter Tag"),
    "registration_end_of": ("Last day of the registration in {state}", "Letzter Tag der Registrierung in {state}"),
    "registration_end_help": (
        "After this day no tax is charged there. Empty: it has no end.",
        "Nach diesem Tag wird dort keine Steuer erhoben. Leer: ohne Ende.",
    ),
    "registrations_none": (
        "The vendor is registered nowhere: no sales tax is charged.",
        "Nirgends registriert: Es wird keine Sales Tax erhoben.",
    ),
    "registrations_none_help": (
        "Add the states where you must collect it, then import their rates.",
        "Fügen Sie die Staaten hinzu, in denen Sie sie erheben müssen, und importieren Sie dann deren Sätze.",
    ),
    "to_come": ("to come", "künftig"),
    "show_rates": ("Show rates", "Sätze zeigen"),
    "rates_missing": ("no rates", "keine Sätze"),
    "notice_registered": ("The registration in {state} is set.", "Die Registrierung in {state} ist gesetzt."),
    # Rates
    "rates_title": ("Rate table", "Satztabelle"),
    "rates_import": ("Import rates", "Sätze importieren"),
    "rates_import_help": (
        "All of the file or, where a line is wrong, nothing. A new first day adds a rate beside the old one.",
        "Die ganze Datei oder, wo eine Zeile falsch ist, nichts. Ein neuer erster Tag legt einen Satz neben den alten.",
    ),
    "rates_version": ("Table", "Tabelle"),
    "rates_version_help": (
        "Named with every decision that used it; the file's name where empty.",
        "Steht bei jeder Entscheidung, die sie nutzte; leer: der Name der Datei.",
    ),
    "rates_age": ("Imported last on {day}, {days} days ago.", "Zuletzt am {day} importiert, vor {days} Tagen."),
    "rates_too_old": (
        "It is older than {allowed} days; it still counts. Import a newer one.",
        "Sie ist älter als {allowed} Tage; sie gilt weiter. Importieren Sie eine neuere.",
    ),
    "rates_search": ("ZIP or table", "ZIP oder Tabelle"),
    "zip": ("ZIP", "ZIP"),
    "tax_class": ("Tax class", "Steuerklasse"),
    "tax_rate": ("Rate", "Satz"),
    "rates_none": (
        "There are no rates yet: registered states charge nothing.",
        "Noch keine Sätze: Registrierte Staaten erheben nichts.",
    ),
    "rates_none_help": (
        "Import a CSV file with state, rate and first day in each line.",
        "Importieren Sie eine CSV-Datei mit Staat, Satz und erstem Tag in jeder Zeile.",
    ),
    "rates_imports": ("Imports", "Importe"),
    "notice_rates_imported": (
        "Imported: {added} new, {changed} changed, {unchanged} as before.",
        "Importiert: {added} neu, {changed} geändert, {unchanged} wie bisher.",
    ),
    "notice_rates_imported_but": (
        "Imported: {added} new, {changed} changed, {unchanged} as before. Not registered in {states}: no tax is charged there.",
        "Importiert: {added} neu, {changed} geändert, {unchanged} wie bisher. Nicht registriert in {states}: Dort wird keine "
        "Steuer erhoben.",
    ),
}
FIELDS: Words = {
    "version": ("Name of this table", "Name dieser Tabelle"),
    "valid_to": ("Valid through", "Gültig bis"),
}
