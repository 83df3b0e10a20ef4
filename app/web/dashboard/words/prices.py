"""Price lists."""

from __future__ import annotations

from app.web.speech import Words

WORDS: Words = {
    "nav_prices": ("Price lists", "Preislisten"),
    "list": ("List", "Liste"),
    "list_default": ("Default list", "Allgemeine Liste"),
    "list_default_help": (
        "Everybody without a list of their own has this one.",
        "Alle ohne eigene Liste haben diese.",
    ),
    "all_others": ("All others", "Alle anderen"),
    "list_name": ("Name of the list", "Name der Liste"),
    "list_make": ("New list", "Neue Liste"),
    "list_make_help": (
        "It counts for nobody until resellers get it.",
        "Sie gilt für niemanden, bis Wiederverkäufer sie bekommen.",
    ),
    "list_rate": ("General discount", "Allgemeiner Rabatt"),
    "rate_off": ("{rate} % off retail", "{rate} % unter Listenpreis"),
    "cap_is": ("The cap is {cap} %.", "Die Obergrenze ist {cap} %."),
    "entries": ("Entries", "Einträge"),
    "resellers": ("Resellers", "Wiederverkäufer"),
    "version": ("Version", "Version"),
    "up_to": ("up to {rate} % through {day}", "bis {rate} % bis {day}"),
    "until_day": ("through {day}", "bis {day}"),
    "over": ("over", "vorbei"),
    "by": ("By", "Von"),
    "when": ("When", "Wann"),
    "extent": ("What changes", "Was sich ändert"),
    "counts": (
        "{added} added, {changed} changed, {removed} removed.",
        "{added} neu, {changed} geändert, {removed} entfernt.",
    ),
    "rate_only": ("The general discount or an exception only.", "Nur der allgemeine Rabatt oder eine Ausnahme."),
    "unchanged": ("{count} stay as they are.", "{count} bleiben, wie sie sind."),
    "and_more": ("… and {count} more; the export has all.", "… und {count} weitere; der Export hat alle."),
    "tab_entries": ("Entries", "Einträge"),
    "tab_file": ("Import and export", "Import und Export"),
    "tab_planned": ("Planned changes", "Geplante Änderungen"),
    "tab_resellers": ("Resellers", "Wiederverkäufer"),
    "tab_history": ("History", "Verlauf"),
    # Entries
    "entry": ("Entry", "Eintrag"),
    "entry_for": ("For a", "Für"),
    "entry_search": ("SKU, name or id", "SKU, Name oder Id"),
    "entry_add": ("Add entry", "Eintrag hinzufügen"),
    "entry_help": (
        "An entry counts before the general discount; the most specific one wins.",
        "Ein Eintrag gilt vor dem allgemeinen Rabatt; der genaueste gewinnt.",
    ),
    "target_help": (
        "A variant or product by its SKU; a category or collection by its Saleor id, the end of its address in the Dashboard.",
        "Variante oder Produkt per SKU; Kategorie oder Kollektion per Saleor-Id, dem Ende ihrer Adresse im Dashboard.",
    ),
    "rate_or_fixed": ("Either a discount or a fixed price.", "Entweder Rabatt oder Festpreis."),
    "price": ("Price", "Preis"),
    "discount": ("Discount in percent", "Rabatt in Prozent"),
    "minimum_quantity": ("From quantity", "Ab Menge"),
    "valid_from": ("Valid from", "Gültig ab"),
    "valid_to": ("Valid through", "Gültig bis"),
    "edit": ("Edit", "Bearbeiten"),
    "edit_of": ("Edit {name}", "{name} bearbeiten"),
    "entry_remove_title": ("Remove the entry for {name}?", "Den Eintrag für {name} entfernen?"),
    "entry_remove_help": (
        "From then on a less specific entry or the general discount counts.",
        "Von da an gilt ein weniger genauer Eintrag oder der allgemeine Rabatt.",
    ),
    "entries_none": (
        "The list has no entries: {rate} % off retail for everything.",
        "Die Liste hat keine Einträge: {rate} % unter Listenpreis für alles.",
    ),
    "entries_none_help": (
        "Add an entry for what has another price, or import a file.",
        "Fügen Sie einen Eintrag für das hinzu, was einen anderen Preis hat, oder importieren Sie eine Datei.",
    ),
    "change_rate": ("Change discount", "Rabatt ändern"),
    # When and why
    "effective_help": (
        "Empty: at once. Resellers are told {days} days before a planned day.",
        "Leer: sofort. Wiederverkäufer erfahren es {days} Tage vor einem geplanten Tag.",
    ),
    "short_notice": (
        "Plan it although resellers have less notice",
        "Planen, obwohl Wiederverkäufer weniger Vorlauf haben",
    ),
    "short_notice_given": ("short notice", "kurze Frist"),
    "why_change": ("Why", "Warum"),
    "why_help": (
        "Kept in the list's history; a planned change needs it.",
        "Steht im Verlauf; eine geplante Änderung braucht es.",
    ),
    # Exceptions
    "exception": ("Exception from the cap", "Ausnahme von der Obergrenze"),
    "exception_title": ("Let this list go above the cap", "Diese Liste über die Obergrenze lassen"),
    "exception_help": (
        "The cap of {cap} % holds again after the last day.",
        "Nach dem letzten Tag gilt wieder die Obergrenze von {cap} %.",
    ),
    "exception_words": (
        "Up to {rate} % through {day}, by {by}: {reason}",
        "Bis {rate} % bis {day}, von {by}: {reason}",
    ),
    "exception_over": ("It is over: the cap holds.", "Sie ist vorbei: Die Obergrenze gilt."),
    "exception_lift": ("End the exception", "Ausnahme beenden"),
    "exception_lift_help": (
        "The cap of {cap} % holds from now on; higher discounts are cut to it.",
        "Ab jetzt gilt die Obergrenze von {cap} %; höhere Rabatte werden darauf gekürzt.",
    ),
    "highest_rate": ("Highest discount in percent", "Höchster Rabatt in Prozent"),
    "above_cap": ("Go above the cap of {cap} %", "Über die Obergrenze von {cap} % gehen"),
    # Files
    "export": ("Export CSV", "CSV exportieren"),
    "export_of": ("Export version {version}", "Version {version} exportieren"),
    "import_title": ("Import a CSV file", "CSV-Datei importieren"),
    "list_import_help": (
        "The file is the whole list: entries that are not in it are removed. All of it counts or, where a line is wrong, "
        "nothing. The target is Saleor's id, or a variant's SKU. The easiest start is an export.",
        "Die Datei ist die ganze Liste: Einträge, die nicht in ihr stehen, werden entfernt. Alles gilt oder, wo eine Zeile "
        "falsch ist, nichts. „target“ ist die ID in Saleor oder die SKU einer Variante. Am einfachsten beginnt "
        "man mit einem Export.",
    ),
    "import_now": ("Import", "Importieren"),
    "list_try": ("Show what would change", "Zeigen, was sich ändern würde"),
    "dry_run_title": ("This would change – nothing was changed yet", "Das würde sich ändern – noch ist nichts geändert"),
    "would_plan": ("On {day}:", "Am {day}:"),
    "no_difference": ("Nothing would change.", "Es würde sich nichts ändern."),
    "what_happens": ("Change", "Änderung"),
    "was": ("Was", "Bisher"),
    "will_be": ("Becomes", "Künftig"),
    "change_added": ("added", "neu"),
    "change_changed": ("changed", "geändert"),
    "change_removed": ("removed", "entfernt"),
    # Planned changes and history
    "change_planned": ("planned", "geplant"),
    "change_in_force": ("in force", "in Kraft"),
    "change_canceled": ("canceled", "abgesagt"),
    "planned_next": ("Planned next", "Als Nächstes geplant"),
    "planned_none": ("No price change is planned.", "Es ist keine Preisänderung geplant."),
    "planned_none_help": (
        "Give a change a day to come, and resellers are told of it before.",
        "Geben Sie einer Änderung einen künftigen Tag, und Wiederverkäufer erfahren vorher davon.",
    ),
    "effective_on": ("Takes effect", "Gilt ab"),
    "announced": ("Announced", "Angekündigt"),
    "announced_on": ("goes out on {day}", "geht am {day} hinaus"),
    "canceled_by": ("Canceled by", "Abgesagt von"),
    "change_of": ("Change for {day}", "Änderung zum {day}"),
    "change_cancel": ("Cancel the change", "Änderung absagen"),
    "change_cancel_title": ("Cancel the change for {day}?", "Die Änderung zum {day} absagen?"),
    "change_cancel_help": (
        "Resellers that were told of it are told that it is off.",
        "Wiederverkäufer, die davon erfuhren, erfahren von der Absage.",
    ),
    "history_none": ("The list was never changed.", "Die Liste wurde nie geändert."),
    "history_none_help": ("Every change makes a version here.", "Jede Änderung wird hier zu einer Version."),
    # Resellers
    "list_assign": ("Give to a reseller", "Einem Wiederverkäufer geben"),
    "list_assign_help": (
        "It counts for new orders at once, instead of the list that the reseller has now.",
        "Sie gilt sofort für neue Bestellungen, statt der Liste, die der Wiederverkäufer jetzt hat.",
    ),
    "list_take": ("Take away", "Wegnehmen"),
    "list_take_of": ("Take the list away from {company}", "{company} die Liste wegnehmen"),
    "list_take_help": ("The default list counts again at once.", "Sofort gilt wieder die allgemeine Liste."),
    "list_resellers_none": ("No reseller has this list.", "Kein Wiederverkäufer hat diese Liste."),
    "list_resellers_help": ("Give it to one by its e-mail address.", "Geben Sie sie einem über seine E-Mail-Adresse."),
    # Preview
    "price_preview": ("Price preview", "Preisvorschau"),
    "price_preview_help": (
        "What a reseller pays for a variant, and why.",
        "Was ein Wiederverkäufer für eine Variante zahlt, und warum.",
    ),
    "reseller_email": ("Reseller's e-mail", "E-Mail des Wiederverkäufers"),
    "on_day": ("On the day", "Am Tag"),
    "show_price": ("Show price", "Preis zeigen"),
    "price_each": ("{unit} each, {total} in all", "je {unit}, zusammen {total}"),
    # Conflicts and notices
    "list_changed_meanwhile": (
        "Somebody else changed the list since you read it; nothing of yours was carried out.",
        "Jemand anders hat die Liste geändert, seit Sie sie gelesen haben; von Ihnen wurde nichts ausgeführt.",
    ),
    "list_changed_help": (
        "What you entered is still here; compare it with the list as it is now.",
        "Ihre Eingabe steht noch hier; vergleichen Sie sie mit der Liste, wie sie jetzt ist.",
    ),
    "notice_list_made": ("The list is made.", "Die Liste ist angelegt."),
    "notice_list_changed": ("The list is changed.", "Die Liste ist geändert."),
    "notice_list_same": ("The list says this already.", "Das sagt die Liste schon."),
    "notice_list_assigned": ("{company} has the list “{list}” now.", "{company} hat jetzt die Liste „{list}“."),
    "notice_change_planned": ("The change is planned.", "Die Änderung ist geplant."),
    "notice_change_canceled": ("The change is canceled.", "Die Änderung ist abgesagt."),
}
FIELDS: Words = {
    "fixed": ("Fixed price", "Festpreis"),
    "target": ("What it is for", "Wofür er gilt"),
    "minimum_quantity": ("From quantity", "Ab Menge"),
    "valid_to": ("Valid through", "Gültig bis"),
    "effective_on": ("Takes effect", "Gilt ab"),
    "exception_reason": ("Reason of the exception", "Grund der Ausnahme"),
    "exception_expires": ("Last day of the exception", "Letzter Tag der Ausnahme"),
    "expires": ("Last day", "Letzter Tag"),
    "sku": ("SKU", "SKU"),
    "channel": ("Channel", "Kanal"),
}
