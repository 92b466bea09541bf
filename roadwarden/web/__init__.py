"""The network: REST below ``/api/v1``, and pages."""
