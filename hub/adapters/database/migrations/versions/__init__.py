"""One module per revision, oldest first; a revision that has been released is never edited."""
