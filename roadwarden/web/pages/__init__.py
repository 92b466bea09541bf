"""Pages for people at a browser: one router a place."""
