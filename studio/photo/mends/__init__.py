"""Mends, one module each: what is done to the pixels. Knows nothing of photos, shots and when a mend is called for (mend.py)."""
