"""The inbox."""

from __future__ import annotations

from app.web.speech import Words

WORDS: Words = {
    "nav_inbox": ("Inbox", "Eingang"),
    "inbox_title": ("What needs a person", "Was einen Menschen braucht"),
    "inbox_kind_": ("All", "Alles"),
    "inbox_kind_applications": ("Applications", "Bewerbungen"),
    "inbox_kind_money": ("Money", "Geld"),
    "inbox_kind_certificates": ("Certificates", "Zertifikate"),
    "inbox_kind_orders": ("Orders", "Bestellungen"),
    "inbox_kind_accounts": ("Accounts", "Konten"),
    "inbox_kind_cases": ("Deals", "Geschäfte"),
    "inbox_kind_mail": ("Mail", "Mails"),
    "inbox_kind_work": ("Stuck work", "Hängende Arbeit"),
    "inbox_kind_setup": ("Setup", "Einrichtung"),
    "inbox_empty": ("Nothing needs you right now.", "Gerade braucht Sie nichts."),
    "inbox_empty_help": (
        "Applications, unclear payments, held orders and refused mails appear here by themselves.",
        "Bewerbungen, unklare Zahlungen, angehaltene Bestellungen und abgewiesene Mails erscheinen hier von selbst.",
    ),
    "what": ("What", "Was"),
    "since": ("Since", "Seit"),
    "actions": ("Actions", "Aktionen"),
    "review": ("Review", "Prüfen"),
    "open_order": ("Open order", "Bestellung öffnen"),
    "open_order_of": ("Open order {number}", "Bestellung {number} öffnen"),
    "done": ("Done", "Erledigt"),
    "done_title": ("Take this off the list?", "Von der Liste nehmen?"),
    "done_help": (
        "It stays on the record. If the problem is still there, it comes back.",
        "Es bleibt in den Aufzeichnungen. Besteht das Problem weiter, erscheint es wieder.",
    ),
    "run_again": ("Run again", "Noch einmal ausführen"),
    "send_again": ("Send again", "Erneut senden"),
    "send_again_title": ("Send the mail again?", "Mail erneut senden?"),
    "send_to_hint": ("Leave it empty for the same address.", "Leer lassen für dieselbe Adresse."),
    "approve": ("Approve", "Anerkennen"),
    "reject": ("Reject", "Ablehnen"),
    "certificate_approve_title": ("Approve this certificate?", "Dieses Zertifikat anerkennen?"),
    "certificate_approve_help": (
        "Orders from now on are not taxed in its states; earlier orders keep their tax. The reseller is mailed.",
        "Bestellungen ab jetzt bleiben in seinen Staaten steuerfrei; frühere behalten ihre Steuer. Der Wiederverkäufer erhält "
        "eine Mail.",
    ),
    "certificate_reject_title": ("Reject this certificate?", "Dieses Zertifikat ablehnen?"),
    "certificate_reject_help": ("The reseller is mailed the reason.", "Der Wiederverkäufer erhält den Grund per Mail."),
    "to_health": ("To health", "Zum Zustand"),
    "notice_task_done": ("It is off the list.", "Es ist von der Liste genommen."),
    "notice_work_again": ("The work runs again.", "Die Arbeit läuft wieder."),
    "notice_mail_sent_again": ("The mail goes out again to {to}.", "Die Mail geht noch einmal an {to}."),
    "notice_certificate_approved": ("The certificate is approved.", "Das Zertifikat ist anerkannt."),
    "notice_certificate_rejected": ("The certificate is rejected.", "Das Zertifikat ist abgelehnt."),
}
FIELDS: Words = {"to": ("Another address", "Andere Adresse")}
