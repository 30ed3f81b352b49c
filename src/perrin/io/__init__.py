"""Files in and out: movies and event tables of vendors and of other programs."""
