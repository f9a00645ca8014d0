"""What each mend does to pixels, one module each; which are done, and when, is in studio/photo/mend.py."""
