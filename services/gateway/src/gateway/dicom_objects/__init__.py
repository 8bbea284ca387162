"""Results as DICOM objects: SR, Parametric Map, Secondary Capture and PDF, in the sender's study or de-identified."""
