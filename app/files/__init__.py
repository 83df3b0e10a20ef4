"""Files that people upload: what kind they really are, where their bytes lie, and whose they are."""
