"""The service: HTTP, command line and jobs around the matching engine."""
