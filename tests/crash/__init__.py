"""Processes that die in the middle of a delivery, and what is left of their calls."""
