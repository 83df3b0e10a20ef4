"""The story of one order: what is asked of it, when its license may go out, and what happened."""
