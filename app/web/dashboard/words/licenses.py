"""Licenses: the list, one license, and a pasted file."""

from __future__ import annotations

from app.web.speech import Words

WORDS: Words = {
    "licenses_search": (
        "Order, license or key id, e-mail, SKU or product",
        "Bestellung, Lizenz- oder Schlüsselkennung, E-Mail, SKU oder Produkt",
    ),
    "licenses_search_help": (
        "Each is looked up whole: an order's number, PO number or reference, the id of a license or of its signing key, the "
        "e-mail of a reseller or end customer, or a SKU. Of a product's name a part will do.",
        "Alles wird im Ganzen gesucht: Nummer oder Referenz einer Bestellung, Kennung einer Lizenz oder ihres Schlüssels, E-Mail "
        "eines Wiederverkäufers oder Endkunden, oder eine SKU. Vom Namen eines Produkts genügt ein Teil.",
    ),
    "licenses_none_yet": ("No license was issued yet.", "Noch wurde keine Lizenz ausgestellt."),
    "licenses_none_help": (
        "They are issued when an order is released: once its wire is confirmed, or at once on account.",
        "Sie entstehen, wenn eine Bestellung freigegeben wird: nach bestätigter Überweisung, oder sofort auf Rechnung.",
    ),
    "product": ("Product", "Produkt"),
    "license": ("License", "Lizenz"),
    "license_id": ("License id", "Kennung"),
    "signing_key": ("Signed with key", "Signiert mit Schlüssel"),
    "license_text": ("License file", "Lizenzdatei"),
    "whose": ("Whose it is", "Wem sie gehört"),
    "license_events_none": ("Nothing was decided about it yet.", "Noch wurde nichts über sie entschieden."),
    "send_license_again": ("Send mail again", "Mail erneut senden"),
    "send_license_title": ("Send the license once more?", "Lizenz noch einmal senden?"),
    "send_license_help": (
        "The mail goes out as it was, with its license files.",
        "Die Mail geht hinaus, wie sie war, mit ihren Lizenzdateien.",
    ),
    "license_suspend_title": ("Suspend the license for {sku}?", "Lizenz für {sku} aussetzen?"),
    "license_suspend_help": (
        "It counts as suspended and cannot be downloaded until you reinstate it; files that are out go on working where "
        "nobody asks.",
        "Sie gilt als ausgesetzt und lässt sich bis zur Aktivierung nicht laden; verschickte Dateien gehen weiter, wo niemand "
        "nachfragt.",
    ),
    "license_revoke_title": ("Revoke the license for {sku}?", "Lizenz für {sku} widerrufen?"),
    "license_revoke_help": (
        "It counts as revoked and cannot be downloaded; files that are out go on working where nobody asks.",
        "Sie gilt als widerrufen und lässt sich nicht laden; verschickte Dateien gehen weiter, wo niemand nachfragt.",
    ),
    "license_reinstate_title": ("Make the license for {sku} active again?", "Lizenz für {sku} wieder aktivieren?"),
    "license_reinstate_help": (
        "It can be downloaded again; the file is the one that was sent.",
        "Sie lässt sich wieder laden; die Datei ist dieselbe wie zuvor.",
    ),
    "verify_file": ("Verify a license file", "Lizenzdatei prüfen"),
    "verify_help": (
        "Paste the whole text of a .lic file to see whether it is genuine and still stands.",
        "Fügen Sie den ganzen Text einer .lic-Datei ein, um zu sehen, ob sie echt ist und noch gilt.",
    ),
    "verify": ("Verify", "Prüfen"),
    "see_license": ("License for {sku} of order {number}", "Lizenz für {sku} der Bestellung {number}"),
    "verified_valid": ("The license is genuine and in force.", "Die Lizenz ist echt und gültig."),
    "verified_expired": ("The license is genuine, but its time is over.", "Die Lizenz ist echt, aber abgelaufen."),
    "verified_not_yet_valid": (
        "The license is genuine, but was issued for a later time; check the clock.",
        "Die Lizenz ist echt, gilt aber erst später; prüfen Sie die Uhr.",
    ),
    "verified_bad_signature": (
        "The license was changed after it was issued, or was not issued by you.",
        "Die Lizenz wurde nachträglich verändert oder nicht von Ihnen ausgestellt.",
    ),
    "verified_unknown_key": (
        "The license names a signing key that is not known here.",
        "Die Lizenz nennt einen Schlüssel, der hier nicht bekannt ist.",
    ),
    "verified_malformed": ("This is not a license file.", "Das ist keine Lizenzdatei."),
    "verified_suspended": ("The license is genuine, but suspended.", "Die Lizenz ist echt, aber ausgesetzt."),
    "verified_revoked": ("The license is genuine, but was revoked.", "Die Lizenz ist echt, aber widerrufen."),
    "verified_superseded": (
        "The license is genuine, but the permanent license took its place.",
        "Die Lizenz ist echt, aber die dauerhafte ist an ihre Stelle getreten.",
    ),
}
FIELDS: Words = {}
