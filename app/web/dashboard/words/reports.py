"""Sales, days to pay, ageing and exempt sales."""

from __future__ import annotations

from app.web.speech import Words

WORDS: Words = {
    "nav_reports": ("Reports", "Berichte"),
    "report_sales": ("Sales", "Umsatz"),
    "report_days": ("Days to pay", "Zahlungsdauer"),
    "report_ageing": ("Ageing", "Altersstruktur"),
    "report_exempt": ("Exempt sales", "Steuerfreier Umsatz"),
    "report_as_of": (
        "As of {at}; brought up to date every quarter of an hour.",
        "Stand {at}; wird viertelstündlich erneuert.",
    ),
    "report_never": ("Nothing was added up yet.", "Noch wurde nichts zusammengezählt."),
    "report_refresh": ("Refresh now", "Jetzt erneuern"),
    "report_none_yet": ("The books were not added up yet.", "Die Bücher wurden noch nicht zusammengezählt."),
    "report_none_yet_help": (
        "The worker does it every quarter of an hour. Ask for it now, and open the page again in a moment.",
        "Der Worker tut es viertelstündlich. Stoßen Sie es jetzt an und öffnen Sie die Seite gleich noch einmal.",
    ),
    "report_nothing": ("No reseller has ordered yet.", "Noch hat kein Wiederverkäufer bestellt."),
    "report_nothing_help": (
        "A report begins with the first order that is owed. Approve an applicant, or accept an order that is held.",
        "Ein Bericht beginnt mit der ersten geschuldeten Bestellung. Nehmen Sie eine Bewerbung oder gehaltene Bestellung an.",
    ),
    "report_to_applications": ("Applications", "Bewerbungen"),
    "report_period": ("Period", "Zeitraum"),
    "report_from": ("From", "Von"),
    "report_to": ("To", "Bis"),
    "report_search": ("Company or e-mail", "Firma oder E-Mail"),
    "period_12_months": ("Last 12 months", "Letzte 12 Monate"),
    "period_month": ("This month", "Dieser Monat"),
    "period_last_month": ("Last month", "Letzter Monat"),
    "period_year": ("This year", "Dieses Jahr"),
    "period_last_year": ("Last year", "Letztes Jahr"),
    "period_all": ("All time", "Gesamter Zeitraum"),
    "period_own": ("Other months", "Andere Monate"),
    "report_no_reseller": ("There is nothing of any reseller in these months.", "In diesen Monaten gibt es von niemandem etwas."),
    "report_other_months": ("Choose other months or another currency.", "Wählen Sie andere Monate oder eine andere Währung."),
    "net_sales": ("Net sales", "Nettoumsatz"),
    "net_sales_by_month": ("Net sales by month", "Nettoumsatz nach Monat"),
    "with_tax": ("Ordered, with tax", "Bestellt, mit Steuer"),
    "credited": ("Credited", "Gutgeschrieben"),
    "orders_count": ("Orders", "Bestellungen"),
    "share": ("Share", "Anteil"),
    "report_sales_text": (
        "Bars of net sales in {currency}, one a month; together {total}.",
        "Balken des Nettoumsatzes in {currency}, einer je Monat; zusammen {total}.",
    ),
    "report_sales_help": (
        "Orders count in the month of their order date, credits in the month they were booked for. Net sales are without tax and "
        "less credits.",
        "Bestellungen zählen im Monat ihres Bestelldatums, Gutschriften in dem Monat, für den sie gebucht wurden. Der "
        "Nettoumsatz ist ohne Steuer und abzüglich Gutschriften.",
    ),
    "days_by_amount": ("Days, by amount", "Tage, nach Betrag"),
    "days_by_order": ("Days, by order", "Tage, nach Bestellung"),
    "days_by_month": ("Days to pay by month", "Zahlungsdauer nach Monat"),
    "days_count": ("{days} days", "{days} Tage"),
    "orders_paid": ("Orders paid", "Bezahlte Bestellungen"),
    "paid_late": ("Paid late", "Verspätet bezahlt"),
    "report_days_text": (
        "Bars of the days from order to full payment, one a month; {days} days on average over {orders} orders.",
        "Balken der Tage von Bestellung bis voller Zahlung, je Monat einer; im Mittel {days} Tage; {orders} Bestellungen.",
    ),
    "report_days_help": (
        "From the order date to the value date on which the order was paid in full, in the month of that payment. By amount, a "
        "large order counts for more; by order, each counts the same. What was written off or only credited was never paid.",
        "Vom Bestelldatum bis zu dem Wertstellungstag, an dem die Bestellung ganz bezahlt war, im Monat dieser Zahlung. Nach "
        "Betrag zählt eine große Bestellung mehr, nach Bestellung jede gleich. Ausgebuchtes und nur "
        "Gutgeschriebenes wurde nie bezahlt.",
    ),
    "report_table": ("The same as a table", "Dasselbe als Tabelle"),
    "age": ("Overdue", "Überfällig"),
    "open_orders": ("Open of orders", "Offen aus Bestellungen"),
    "overdue_of_it": ("Overdue of it", "Davon überfällig"),
    "open_by_age": ("Open by days overdue on {day}", "Offen nach Tagen der Überfälligkeit am {day}"),
    "report_ageing_text": (
        "Bars of what is open by how long it is overdue; together {total} of {orders} orders.",
        "Balken des Offenen nach Dauer der Überfälligkeit; zusammen {total} aus {orders} Bestellungen.",
    ),
    "report_ageing_help": (
        "What is open of orders, disputed ones too, by days past the due date, as on the statements. Interest and credit that no "
        "order has taken stand beside it.",
        "Das Offene der Bestellungen, auch der bestrittenen, nach Tagen nach der Fälligkeit wie auf den Abrechnungen. Zinsen und "
        "Guthaben ohne Bestellung stehen daneben.",
    ),
    "report_all_paid": ("Nothing is open.", "Nichts ist offen."),
    "report_all_paid_help": (
        "Every order is paid, and no credit waits to be used.",
        "Jede Bestellung ist bezahlt, und kein Guthaben wartet auf seine Verwendung.",
    ),
    "exempt_sales": ("Exempt, net", "Steuerfrei, netto"),
    "exempt_share": ("Exempt share", "Anteil steuerfrei"),
    "exempt_by_month": ("Exempt share of net sales by month", "Steuerfreier Anteil am Nettoumsatz nach Monat"),
    "exempt_reason": ("Reason", "Grund"),
    "report_exempt_text": (
        "Bars of the share of net sales without tax, one a month; {share} of all, {total}.",
        "Balken des Anteils am Nettoumsatz ohne Steuer, einer je Monat; {share} von allem, {total}.",
    ),
    "report_exempt_help": (
        "Net sales on which no tax was charged, by the evidence kept with each order, divided by all net sales.",
        "Nettoumsatz, auf den keine Steuer berechnet wurde, nach dem Nachweis jeder Bestellung, geteilt durch allen Nettoumsatz.",
    ),
    "exemption_certificate": ("Exemption certificate", "Befreiungszertifikat"),
    "exemption_not_registered": ("Not registered in the state", "Im Staat nicht registriert"),
    "exemption_untaxed_class": ("Product not taxed in the state", "Produkt im Staat nicht besteuert"),
    "exemption_zero_rate": ("Rate of zero", "Satz von null"),
    "exemption_not_charged": ("The store charges no tax", "Der Shop berechnet keine Steuer"),
    "exemption_no_rate": ("No rate for the place", "Kein Satz für den Ort"),
    "exemption_other": ("Other, as kept with the order", "Sonstiges, wie bei der Bestellung festgehalten"),
    "notice_reports_refresh": (
        "The books are being added up; open the page again in a moment.",
        "Die Bücher werden zusammengezählt; öffnen Sie die Seite gleich noch einmal.",
    ),
}
FIELDS: Words = {}
