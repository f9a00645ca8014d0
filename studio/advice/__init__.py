"""What Stir thinks of a shot before minutes are spent on it: motions, models, times and places that suit it."""
