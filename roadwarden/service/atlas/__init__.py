"""The map as tiles: health of the road, defects and cases, from the whole city down to a square metre."""
