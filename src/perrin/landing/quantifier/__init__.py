"""What each landing weighs, how long it stays and how far it moves."""
