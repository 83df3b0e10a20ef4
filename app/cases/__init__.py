"""Deal advice, handed-over opportunities, and support requests for customers (`rules.md` 11)."""
