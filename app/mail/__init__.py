"""Mails: made once, kept with their exact bytes, delivered durably."""
