"""Many photos at once: where they come from, what is read of each, the clips they make, the files that are written."""
