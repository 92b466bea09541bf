"""The roles of a city on hosts of their own, which are cut off and come back: what ``scripts/topology`` runs."""
