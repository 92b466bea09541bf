"""Places on the Earth and on the road."""
