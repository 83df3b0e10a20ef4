"""How a license file is applied, in the words that mails and the storefront show."""

from __future__ import annotations

from collections.abc import Mapping

STEPS: Mapping[str, tuple[str, ...]] = {
    "en": (
        "Save the license file (.lic) on the computer the product is used on.",
        "In the product, choose the license dialog and open the file, or paste its whole text.",
        "Keep the file: it is needed again after a new installation. It is signed; do not change it.",
    ),
    "de": (
        "Speichern Sie die Lizenzdatei (.lic) auf dem Rechner, auf dem das Produkt benutzt wird.",
        "Öffnen Sie im Produkt den Lizenzdialog und wählen Sie die Datei, oder fügen Sie ihren ganzen Text ein.",
        "Bewahren Sie die Datei auf: Nach einer Neuinstallation wird sie wieder gebraucht. Sie ist signiert; ändern Sie sie "
        "nicht.",
    ),
}
"""Per language, one sentence a step."""
