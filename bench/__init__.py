"""What the performance figures in the documentation come from: ``python -m bench``."""
