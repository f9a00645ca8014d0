"""What can be wrong with a photo, one kind a module: those in its pixels, and those in what it shows (content.py)."""
