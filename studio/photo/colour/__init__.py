"""Colours, by what a file says of them, brought to 8-bit sRGB: ICC profiles, H.273 codes, HDR."""
