"""Signs: flaws that can be measured in the pixels, one family a module. Knows nothing of content, faces and subjects."""
