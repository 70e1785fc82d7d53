"""HTTP only: parse, call one service, return."""
