"""What resellers owe, what was booked, and what pays what. Append-only."""
