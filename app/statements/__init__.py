"""The monthly statement of account, and the reminders between (`rules.md` 6, 7)."""
