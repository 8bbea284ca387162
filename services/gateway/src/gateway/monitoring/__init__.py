"""Monitoring: volumes, dispositions, drift of what the model is given and says, agreement with the readers."""
