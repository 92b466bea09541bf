"""Open311 GeoReport v2, with FixMyStreet's servicerequestupdates: pure forms in and out, and their routes."""
