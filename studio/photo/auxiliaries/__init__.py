"""What phones add to a photo's file: depth maps, portrait mattes and gain maps, found and judged."""
