"""What was tried to raise the starter's figures, fully nested: ``python -m bench.experiments``; docs/decisions/0089."""
