"""Whole-head label maps: read, brought to one space, parted into regions."""
