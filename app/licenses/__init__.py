"""License policies, signed license files, and what may be issued when."""
