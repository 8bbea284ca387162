"""Trains, exports and publishes model versions."""
