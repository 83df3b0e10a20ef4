"""What stands around every page: menu, tables, dialogs, errors."""

from __future__ import annotations

from app.web.speech import Words

WORDS: Words = {
    "kind_permanent": ("Permanent", "Dauerhaft"),
    "kind_temporary": ("Temporary", "Temporär"),
    "program": ("Reseller program", "Wiederverkäuferprogramm"),
    "menu": ("Pages of the reseller program", "Seiten des Wiederverkäuferprogramms"),
    "loading": ("Loading …", "Wird geladen …"),
    "never": ("Without end", "Ohne Ende"),
    "close": ("Close", "Schließen"),
    "cancel": ("Cancel", "Abbrechen"),
    "in_dashboard": ("Open in Dashboard", "Im Dashboard öffnen"),
    "reason": ("Reason", "Grund"),
    # Tables
    "search": ("Search", "Suchen"),
    "filter": ("Filter", "Filter"),
    "all": ("All", "Alle"),
    "forget": ("Clear filters", "Filter zurücksetzen"),
    "next": ("Next", "Weiter"),
    "first": ("Back to the start", "Zum Anfang"),
    "pages": ("Pages of the list", "Seiten der Liste"),
    "sort_by": ("Sort by {column}", "Sortieren nach {column}"),
    "nothing_found": ("Nothing fits the filters.", "Nichts passt zu den Filtern."),
    # Errors
    "error_404": ("Not there any more", "Nicht mehr vorhanden"),
    "gone_help": (
        "It may have been deleted or moved; go back to the list to see what is there now.",
        "Vielleicht wurde es gelöscht oder verschoben; die Liste zeigt, was es jetzt gibt.",
    ),
    "failed_shop": (
        "The shop does not answer as it should right now; try again later.",
        "Der Shop antwortet gerade nicht wie erwartet; versuchen Sie es später wieder.",
    ),
    "failed_ours": ("This does not work right now; try again later.", "Das geht gerade nicht; versuchen Sie es später wieder."),
    "again": ("Try again", "Noch einmal versuchen"),
    "to_inbox": ("To the inbox", "Zum Eingang"),
    "missing_title": ("You do not have access to this page", "Sie haben keinen Zugriff auf diese Seite"),
    "missing_permission": (
        "It needs the permission “{permission}” ({code}). Ask an administrator of the shop to add it to one of your permission "
        "groups.",
        "Sie braucht die Berechtigung „{permission}“ ({code}). Bitten Sie die Verwaltung des Shops, sie einer Ihrer "
        "Berechtigungsgruppen zu geben.",
    ),
    "refused_title": (
        "You do not have access to the reseller program",
        "Sie haben keinen Zugriff auf das Wiederverkäuferprogramm",
    ),
    "refused_help": (
        "The Dashboard gave this page no token for you: your permission groups lack what it needs. Ask an administrator of the "
        "shop.",
        "Das Dashboard hat dieser Seite keinen Schlüssel für Sie gegeben: Ihren Berechtigungsgruppen fehlt, was sie braucht. "
        "Fragen Sie die Verwaltung des Shops.",
    ),
    "outside_title": ("Open this page in the Saleor Dashboard", "Öffnen Sie diese Seite im Saleor Dashboard"),
    "outside_help": (
        "It works inside the Dashboard only: Extensions, Reseller Program.",
        "Sie funktioniert nur im Dashboard: Erweiterungen, Reseller Program.",
    ),
    "offline": (
        "There is no connection right now. Nothing was lost; try again when it is back.",
        "Gerade gibt es keine Verbindung. Nichts ging verloren; versuchen Sie es wieder, sobald sie da ist.",
    ),
    "expired": (
        "Your session ended and could not be renewed. What you typed is still here: copy it, then close and open this again.",
        "Ihre Sitzung ist zu Ende und ließ sich nicht erneuern. Ihre Eingaben stehen noch hier: Kopieren Sie sie, schließen Sie "
        "dann und öffnen Sie neu.",
    ),
    "file_too_large": (
        "The file is larger than the {limit} MB that are allowed; it was not sent.",
        "Die Datei ist größer als die erlaubten {limit} MB; sie wurde nicht gesendet.",
    ),
    # States that several pages show
    "reseller_pending": ("pending", "offen"),
    "order_held": ("held", "angehalten"),
    "terms_prepay": ("Prepaid", "Vorkasse"),
    "license_superseded": ("replaced", "ersetzt"),
}
FIELDS: Words = {
    "reason": ("Reason", "Grund"),
    "amount": ("Amount", "Betrag"),
    "file": ("File", "Datei"),
}
