"""Learning from confirmed cases: what is learned from, how, whether it may pass, and how a claimed training runs."""
