"""Photo files of every kind read into pixels: signatures, decoders, limits of size, files that are cut short."""
