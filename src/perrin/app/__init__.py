"""The app: a local page over the command line. It holds no analysis of its own."""
