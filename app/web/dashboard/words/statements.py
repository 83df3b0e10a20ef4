"""Statements of account, their runs, and reminders."""

from __future__ import annotations

from app.web.speech import Words

WORDS: Words = {
    "nav_statements": ("Statements", "Abrechnungen"),
    "statements_list": ("Statements", "Abrechnungen"),
    "statements_runs": ("Months", "Monate"),
    "statements_reminders": ("Reminders", "Erinnerungen"),
    "statements_search": ("Number, reference, company or e-mail", "Nummer, Referenz, Firma oder E-Mail"),
    "statements_none": ("No statement was made yet.", "Noch gibt es keine Abrechnung."),
    "statements_none_help": (
        "They are made on the 1st for everybody who owes something; you can run a month yourself as well.",
        "Sie entstehen am 1. für alle, die etwas schulden; Sie können einen Monat auch selbst abrechnen.",
    ),
    "statement_title": ("Statement {number}", "Abrechnung {number}"),
    "statement_nothing": ("It lists nothing that is open.", "Sie nennt nichts Offenes."),
    "period": ("Month", "Monat"),
    "period_hint": ("A month like 2026-02.", "Ein Monat wie 2026-02."),
    "made": ("Made", "Erstellt"),
    "open_now": ("Open now", "Jetzt offen"),
    "snapshot": ("As of", "Stand"),
    "printed": ("printed", "gedruckt"),
    "being_printed": ("being printed", "wird gedruckt"),
    "not_printed": (
        "It is being printed and mailed; look again in some moments.",
        "Sie wird gerade gedruckt und gemailt; sehen Sie gleich wieder nach.",
    ),
    "save_pdf": ("Save PDF", "PDF speichern"),
    "open_pdf": ("Open PDF", "PDF öffnen"),
    "disputed": ("disputed", "bestritten"),
    "bucket_not_due": ("not due", "nicht fällig"),
    "bucket_1-30": ("1 to 30 days", "1 bis 30 Tage"),
    "bucket_31-60": ("31 to 60 days", "31 bis 60 Tage"),
    "bucket_61-90": ("61 to 90 days", "61 bis 90 Tage"),
    "bucket_over_90": ("over 90 days", "über 90 Tage"),
    "send_statement_title": ("Mail the statement once more?", "Abrechnung noch einmal mailen?"),
    "send_statement_help": ("It goes out as it was, PDF and CSV with it.", "Sie geht hinaus, wie sie war, mit PDF und CSV."),
    "send_statement_hint": (
        "Leave it empty for everybody it went to.",
        "Leer lassen für alle, an die sie ging.",
    ),
    "run_month": ("Run a month", "Monat abrechnen"),
    "run_help": (
        "Everybody with something open gets the statement by mail. Those that were made already stay as they are.",
        "Alle mit offenen Posten bekommen die Abrechnung per Mail. Schon erstellte bleiben, wie sie sind.",
    ),
    "run_done": ("all asked for", "alle angestoßen"),
    "run_waits": ("begins", "beginnt"),
    "runs_none": ("No month was run yet.", "Noch wurde kein Monat abgerechnet."),
    "runs_none_help": (
        "The worker runs each month on the 1st in your time zone, and catches up on what it missed.",
        "Der Worker rechnet jeden Monat am 1. in Ihrer Zeitzone ab und holt Versäumtes nach.",
    ),
    "preview": ("Preview", "Vorschau"),
    "preview_title": ("Preview a statement", "Vorschau einer Abrechnung"),
    "preview_help": (
        "What it would say now. Nothing is kept, and nothing is sent.",
        "Was sie jetzt sagen würde. Nichts wird behalten und nichts gesendet.",
    ),
    "preview_of": ("Preview for {company}", "Vorschau für {company}"),
    "preview_kept": ("as of now; nothing is kept or sent", "Stand jetzt; nichts wird behalten oder gesendet"),
    "preview_none": ("It would say nothing: no order was ever owed.", "Sie würde nichts sagen: Nie war etwas geschuldet."),
    "reminders_help": (
        "Sent by the ladder of days around the due date: {days}. Never for disputed or paid orders.",
        "Gesendet nach den Tagen um die Fälligkeit: {days}. Nie für bestrittene oder bezahlte Bestellungen.",
    ),
    "reminders_off": (
        "Reminders are switched off in the program's settings.",
        "Erinnerungen sind in den Einstellungen des Programms abgeschaltet.",
    ),
    "reminders_none": ("No reminder went out yet.", "Noch ging keine Erinnerung hinaus."),
    "reminders_none_help": (
        "They go out by themselves when an order on account comes near its due date or passes it.",
        "Sie gehen von selbst hinaus, wenn eine Bestellung auf Rechnung fällig wird oder überfällig ist.",
    ),
    "sent_at": ("Sent", "Gesendet"),
    "rung": ("When", "Wann"),
    "rung_before": ("{days} days before it was due", "{days} Tage vor der Fälligkeit"),
    "rung_due": ("on the due date", "am Tag der Fälligkeit"),
    "rung_after": ("{days} days after it was due", "{days} Tage nach der Fälligkeit"),
    "notice_statements_run": (
        "The statements of {period} are being made.",
        "Die Abrechnungen von {period} werden erstellt.",
    ),
    "notice_statement_sent": ("On its way to {to}.", "Unterwegs an {to}."),
}
FIELDS: Words = {"period": ("Month", "Monat")}
