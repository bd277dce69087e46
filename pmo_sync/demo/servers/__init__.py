"""Loopback servers that speak the vendors' interfaces over one Company: standard library only."""
