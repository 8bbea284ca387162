"""From an uploaded file to a canonical, de-identified volume: sniff, decode, order, de-identify."""
