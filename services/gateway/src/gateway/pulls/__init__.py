"""Fetching studies from archives: sources, and pulls, each of which brings one study from one of them."""
