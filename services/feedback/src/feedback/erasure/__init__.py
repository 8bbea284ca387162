"""Erasure: everything about a study goes, and a tombstone keeps it from coming back."""
