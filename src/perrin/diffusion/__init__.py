"""How particles move: windows of tracks, classical estimates, and what a network reads."""
