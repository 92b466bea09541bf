"""From what was seen to what is on the road: placing, merging, severity, condition, cells, coverage."""
