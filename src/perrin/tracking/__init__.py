"""Movies of moving particles to tracks: background, locating, linking, drift, mass."""
