"""The streaming worker: many cameras at once, and every frame accounted for."""
