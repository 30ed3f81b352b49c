"""What each event is: scores, classes, shares, and which events are kept."""
