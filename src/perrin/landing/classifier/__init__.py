"""What each event is: scores, classes, fractions, and which events are kept."""
