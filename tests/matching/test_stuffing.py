"""A profile cannot win by stuffing words or by volume."""
