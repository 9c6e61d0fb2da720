"""What shipped networks say of unseen cases: predictions, calibration, figures, pictures."""
