"""From slice predictions to findings: aggregate, measure, locate."""
