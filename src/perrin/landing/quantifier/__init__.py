"""Mass, residence time and motion of each landing."""
