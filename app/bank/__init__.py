"""Bank files: every format becomes the same plain bank lines (`lines.py`); `formats.py` tells a file's format by its content."""
