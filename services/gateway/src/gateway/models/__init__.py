"""The model in use, as the registry has it."""
