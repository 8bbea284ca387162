"""Keeps what readers should look at and what they confirmed."""
