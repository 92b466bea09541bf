"""What stays: sightings, defects, roads and stretches in SQLite or PostgreSQL."""
