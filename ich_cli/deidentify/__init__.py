"""What hides text in pixels: the head is kept, everything around it goes."""
