"""The words that stand wherever results are shown: on pages, pictures and in every file."""

NOTICE = "Research use only; not a medical device."
