"""What the ladder and the import can say of a line, in words."""

from __future__ import annotations

from app.reasons import because, register

register(
    {
        "line_not_booked": "The bank calls it {status}; only booked money pays.",
        "own_transfer": "A transfer between accounts of our own.",
        "bank_fee": "A fee of the bank.",
        "bank_interest": "Interest of the bank.",
        "debit": "Money that went out.",
        "bad_amount": "The amount is no money: {why}.",
        "zero_amount_line": "The line moves no money.",
        "reference_found": "It carries the reference {reference}.",
        "spelled_blanks_or_case": "{reference} was written with blanks or in lower case.",
        "spelled_hyphens": "{reference} was written with other characters in between.",
        "spelled_letter_o_for_zero": "{reference} was written with the letter O for a zero.",
        "spelled_leading_zeros_missing": "{reference} was written without, or with more, leading zeros.",
        "spelled_prefix_missing": "{reference} was written without its RF.",
        "number_found": "It names the number {number}.",
        "bare_number": "Nothing says that {number} is a number of ours; it may be part of a date or anything else.",
        "ambiguous": "{text} fits {count} open items.",
        "wrong_check_digits": "{reference} has wrong check digits.",
        "unknown_reference": "{reference} is a reference, but none of ours.",
        "several_resellers": "It names orders of {count} resellers; money is never booked across resellers.",
        "number_of_another": "{payer} is known as the payer of another reseller.",
        "other_payer": "{payer} paid, who is not known for this reseller.",
        "wrong_currency": "The money is in {currency}, owed is {owed}: enter the booked amount, its rate and where that is from.",
        "nothing_open": "What it names owes nothing that is known here.",
        "paid_before": "Order {numbers} was paid before.",
        "paid_after_cancellation": "Order {numbers} is canceled.",
        "surplus": "{amount} stays unallocated credit of the reseller.",
        "amount_equal": "{amount} is exactly what is open.",
        "amount_over": "It is more than the {owed} that are open.",
        "amount_short": "{missing} of the {owed} that are open are missing.",
        "short_over_tolerance": "{missing} of the {owed} that are open are missing, and this year's bank charges are used up.",
        "short_within_tolerance": "{missing} are missing, within what banks may keep.",
        "advice_found": "The reseller announced it: {advice}.",
        "payer_known": "The payer is known.",
        "payer_of_several": "The payer is known for {count} resellers.",
        "no_reference": "It carries nothing of ours, and its payer is not known.",
        "equals_one": "{amount} is what is open of {number} alone.",
        "equals_several": "{amount} is what is open of each of {numbers}.",
        "equals_statement": "{amount} is what is open of statement {number}.",
        "equals_subset": "{amount} is what is open of {numbers} together, and of no other up to eight.",
        "no_only_subset": "No single set of the {count} open items adds up to it.",
        "possible_duplicate": "A line of the same day, payer and amount is known from {file}, told in other words.",
        "reverses_line": "It takes back the line of {day} with the reference {reference}.",
        "original_unclear": "It takes money back, and {count} booked lines can be the one it means.",
        "original_unknown": "It takes money back that is not known here.",
        "reversed_debit": "Money of ours that came back.",
        "changed_meanwhile": "What it pays was paid in part by something else while the file was read.",
    }
)

__all__ = ["because"]
