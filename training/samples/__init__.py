"""What a network is shown: random slices with drawn bleeds and mimics, moved about."""
