"""Analytic head phantoms as DICOM: plumbing and geometry, never a claim of accuracy."""
