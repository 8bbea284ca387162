"""Ictus: what every service of the platform shares."""
