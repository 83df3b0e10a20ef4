"""The check of the installation, its repairs and the test mail in German."""

from __future__ import annotations

HEALTH_REASONS: dict[str, str] = {
    # The check of the installation
    "check_question": "Der Shop hat eine Frage nicht beantwortet: {sentence}",
    "check_app": "Der Shop kennt zu unserem Token keine App; installieren Sie die App neu.",
    "check_permissions_ok": "Alle Berechtigungen sind erteilt.",
    "check_permissions": "Nicht erteilt: {missing}. Wer Apps verwalten darf, erteilt sie im Dashboard bei dieser App.",
    "check_customer_types_ok": "Konten von Wiederverkäufern haben ihren Kundentyp oder bekommen ihn.",
    "check_customer_types": "Nicht erteilt: {missing}. Konten von Wiederverkäufern bekommen keinen Kundentyp, bis die "
    "Berechtigung im Dashboard bei dieser App erteilt oder dort ein Typ mit dem Slug `{slug}` von Hand angelegt ist.",
    "check_webhooks_ok": "Alle Webhooks sind installiert, wie das Manifest es sagt.",
    "check_webhook_missing": "Der Webhook {webhook} fehlt.",
    "check_webhook_changed": "Der Webhook {webhook} weicht ab in {fields}.",
    "check_webhook_surplus": "Der Webhook {webhook} ist überzählig.",
    "check_jwks_ok": "Der Shop veröffentlicht den Schlüssel, den wir haben.",
    "check_jwks": "Der Shop veröffentlicht einen anderen Schlüssel als den, den wir haben; der nächste Webhook lässt ihn holen.",
    "check_jwks_unread": "Die Schlüssel des Shops unter {url} sind nicht zu lesen.",
    "check_clock_ok": "Die Uhren gehen um {seconds} s auseinander.",
    "check_clock_unknown": "Der Shop sagt nicht, wie spät es dort ist.",
    "check_clock_ahead": "Die Uhr des Shops geht gegenüber unserer {seconds} s vor: Token und Fristen werden falsch; stellen Sie "
    "beide nach einem Zeitserver.",
    "check_clock_behind": "Die Uhr des Shops geht gegenüber unserer {seconds} s nach: Token und Fristen werden falsch; stellen "
    "Sie beide nach einem Zeitserver.",
    "check_fulfillment_unpaid_ok": "fulfillmentAllowUnpaid ist aus.",
    "check_fulfillment_unpaid": "fulfillmentAllowUnpaid ist an: Bestellungen können ausgeliefert werden, die niemand bezahlt "
    "hat.",
    "check_channels_ok": "Es gibt aktive Kanäle.",
    "check_channels": "Kein Kanal ist aktiv: Niemand kann bestellen.",
    "check_tax_app_ok": "Diese App berechnet die Steuern und mit ihnen die Partnerpreise.",
    "check_tax_app": "Die Steuern berechnet {by}, nicht {own}: Es gibt keine Partnerpreise, und niemand wird abgewiesen.",
    "check_charge_taxes_ok": "Steuern werden berechnet.",
    "check_charge_taxes": "chargeTaxes ist aus: Saleor fragt diese App nicht nach Preisen.",
    "check_prices_with_tax_ok": "Preise sind ohne Steuer eingegeben.",
    "check_prices_with_tax": "Preise sind mit Steuer eingegeben, wie es neue Kanäle haben: Partnerpreise und Nachlässe werden "
    "von Preisen gerechnet, in denen der Steuersatz des Shops steckt. Das Programm will Nettopreise: Schalten Sie im Dashboard "
    "unter Konfiguration, Steuern die Eingabe mit Steuer für diesen Kanal aus, und geben Sie seine Preise ohne Steuer ein.",
    "check_tax_countries_ok": "Kein Land hat eine Ausnahme.",
    "check_tax_countries_bypass": "Ausnahmen für {countries} umgehen dort diese App (eine leere Strategie heißt feste Sätze); "
    "entfernen Sie sie.",
    "check_tax_countries_others": "Es gibt Ausnahmen für {countries}; jede kann eine andere Steuer-App nennen. Sorgen Sie dafür, "
    "dass es {own} ist.",
    "check_channel_ok": "{name} ist {value}.",
    "check_channel_auto_confirm": "{name} muss {value} sein: Bestellungen müssen auf die Prüfung warten.",
    "check_channel_unpaid_orders": "{name} muss {value} sein: Sonst muss niemand durch die Zahlungssitzung.",
    "check_channel_mark_as_paid": "{name} muss {value} sein: Überweisungen werden als Transaktionen gebucht.",
    "check_channel_auto_complete": "{name} muss {value} sein: Eine zugesagte Überweisung zählt für den Checkout als bezahlt, "
    "und er würde sich selbst abschließen.",
    "check_channel_release_funds": "{name} muss {value} sein: Saleor würde die Erstattung von Überweisungen verlangen, die nie "
    "kamen.",
    "check_channel_transaction_flow": "{name} muss {value} sein: Eine Überweisung zahlt; sie kann nicht nur zusagen.",
    "check_bank_account_ok": "Es gibt ein Bankkonto in {currency}.",
    "check_bank_account": "Es gibt kein Bankkonto in {currency}: Wiederverkäufer können hier nicht zahlen; setzen Sie eines in "
    "den Einstellungen.",
    "check_bank_account_wrong": "{why}",
    "check_channel_mode_ok": "Der Kanal verkauft nur an Wiederverkäufer.",
    "check_channel_mode": "reseller_only_channels nennt einen Kanal, den es nicht gibt oder der nicht aktiv ist.",
    "check_seller_ok": "Der Verkäufer hat einen Namen.",
    "check_seller": "Der Verkäufer hat keinen Namen: Rechnungen brauchen einen; setzen Sie ihn in den Einstellungen.",
    "check_account_redirect_ok": "Neue Endkunden werden gebeten, ein Passwort zu setzen.",
    "check_account_redirect": "account_redirect_url ist leer: Neue Endkunden bekommen ein Konto, aber keine Mail, um ihr "
    "Passwort zu setzen.",
    "check_state_rate_ok": "Der Staat hat einen Satz.",
    "check_state_rate": "Der Anbieter ist hier registriert, aber für den ganzen Staat gibt es keinen Satz: Nichts wird "
    "berechnet; lesen Sie einen ein.",
    "check_state_not_registered": "Es gibt Sätze, aber der Anbieter ist nicht registriert: Es wird keine Steuer berechnet.",
    "check_rate_table_ok": "Die Satztabelle ist frisch.",
    "check_rate_table": "Die Satztabelle wurde am {on} eingelesen, vor mehr als {days} Tagen; lesen Sie die neueste ein.",
    "check_flat_rates_ok": "Die festen Sätze des Shops sind übernommen.",
    "check_flat_rates": "Die festen Sätze des Shops haben sich geändert, seit sie übernommen wurden: Alle außer "
    "Wiederverkäufern in den USA werden nach den alten besteuert.",
    "check_mail_none": "Keine Mail wartet.",
    "check_mail_ok": "{count} Mails warten, die älteste seit {minutes} Minuten.",
    "check_mail": "{count} Mails warten, die älteste seit {minutes} Minuten: {words}. Keine geht verloren; ein Test in den "
    "Einstellungen unter Mail probiert den Server.",
    "check_mail_no_worker": "{count} Mails warten, die älteste seit {minutes} Minuten: Kein Worker nahm sie auf. Keine geht "
    "verloren; sehen Sie nach, ob ein Worker läuft.",
    "check_mailbox": "{words}. Antworten und zurückgekommene Mails werden bis dahin nicht gesehen.",
    "fix_refused": "Der Shop hat das abgelehnt: {sentence}",
    "fix_webhooks": "Die Webhooks sind wieder, wie das Manifest es sagt.",
    "fix_tax_app": "Steuern: {changes}.",
    "fix_channel": "Kanal: {changes}.",
    "fix_fulfillment_unpaid": "fulfillmentAllowUnpaid ist jetzt aus.",
    "fix_flat_rates": "Die festen Sätze des Shops sind neu übernommen.",
    # A test mail
    "mail_test_taken": "{server} nahm die Mail für {recipient} an; sehen Sie in dieses Postfach, auch in dessen Spam-Ordner.",
    "mail_test_written": "Kein Mailserver ist gesetzt: Mails werden nach {directory} geschrieben. Setzen Sie RESELLER_SMTP_URL, "
    "um sie zu senden.",
    "mail_test_host": "Kein Rechner heißt {host}: Berichtigen Sie RESELLER_SMTP_URL.",
    "mail_test_away": "{server} antwortet nicht: Prüfen Sie Rechner und Port in RESELLER_SMTP_URL, und ob eine Firewall diesen "
    "Rechner durchlässt.",
    "mail_test_tls": "Keine sichere Verbindung zu {server}: smtps:// ist für Port 465, smtp:// mit STARTTLS für 587; für ein "
    "eigenes Zertifikat setzen Sie RESELLER_MAIL_CA_FILE.",
    "mail_test_no_starttls": "{server} bietet kein STARTTLS, und ohne das geht kein Passwort an einen anderen Rechner: Nehmen "
    "Sie smtps:// oder einen anderen Port.",
    "mail_test_login": "{server} nimmt Benutzer und Passwort nicht an: Berichtigen Sie beides in RESELLER_SMTP_URL; Zeichen wie "
    "@ stehen dort als %40.",
    "mail_test_sender": "{server} lässt diesen Benutzer nicht als {sender} senden: Berichtigen Sie RESELLER_MAIL_FROM, oder "
    "erlauben Sie dort den Absender.",
    "mail_test_refused": "{server} nimmt diese Mail an {recipient} nicht an und sagt, warum: Prüfen Sie die Adresse, und ob der "
    "Server Mails dieses Absenders an andere Domains weitergibt.",
}
