"""Turns a canonical volume into an explained prediction."""
