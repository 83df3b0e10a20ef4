"""Price lists, and the partner price they give."""
