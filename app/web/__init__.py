"""HTTP only: what arrives is checked, handed to a room below, and its answer written."""
