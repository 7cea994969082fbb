"""Servers that speak the wire formats of model vendors, for the vendors' real clients."""
