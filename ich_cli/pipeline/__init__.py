"""The scan loop and what keeps it boring."""
