"""HL7 v2.5.1 over MLLP: a result as ORU^R01, and what its acknowledgement means."""
