"""The labelled data: where it comes from, which sources make a set, how slices are cropped."""
