"""FHIR R4: what Ictus knows of a study, in the words that EHRs read."""
