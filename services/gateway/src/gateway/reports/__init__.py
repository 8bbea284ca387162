"""Reports: a study's latest answer as HTML and PDF, and the rules of its recommended next steps."""
