"""The widgets beside customers and products, and the pages of their menus."""

from __future__ import annotations

from app.web.speech import Words

WORDS: Words = {
    "product_prices": ("Partner prices of the product", "Partnerpreise des Produkts"),
    "product_prices_help": (
        "What a reseller on the default list pays today.",
        "Was ein Wiederverkäufer mit der Standardliste heute zahlt.",
    ),
    "product_preview": ("Preview for a reseller", "Vorschau für einen Wiederverkäufer"),
    "product_to_list": ("To the default list", "Zur Standardliste"),
    "no_reseller_yet": ("This customer is not in the reseller program.", "Dieser Kunde ist nicht im Wiederverkäuferprogramm."),
    "customer_menu_help": (
        "Choose “Reseller program” in the menu of this page to decide or to make a reseller.",
        "Wählen Sie „Wiederverkäuferprogramm“ im Menü dieser Seite, um zu entscheiden oder einen Wiederverkäufer anzulegen.",
    ),
    "applied_on": ("Applied on {day}.", "Beworben am {day}."),
    "make_title": ("Make a reseller", "Wiederverkäufer anlegen"),
    "make_help": (
        "The address is the approved business address: in the US, sales tax follows it.",
        "Die Adresse ist die anerkannte Geschäftsadresse: In den USA folgt ihr die Umsatzsteuer.",
    ),
    "make_approve": ("Approve at once: partner prices from now on", "Sofort freigeben: Partnerpreise ab jetzt"),
    "make_accepted": (
        "The policy in force was accepted in writing",
        "Die geltende Richtlinie wurde schriftlich angenommen",
    ),
    "make": ("Make reseller", "Anlegen"),
    "notice_reseller_made": ("The reseller is made.", "Der Wiederverkäufer ist angelegt."),
    "product_gone": ("This product is not in the shop any more.", "Dieses Produkt ist nicht mehr im Shop."),
    "product_no_price": ("No variant has a price yet.", "Noch hat keine Variante einen Preis."),
}
FIELDS: Words = {}
