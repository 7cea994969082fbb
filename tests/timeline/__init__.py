"""The pure part: recorded runs in, rows out."""
