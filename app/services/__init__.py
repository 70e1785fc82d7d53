"""Verbs and queries: functions that take the session first and never commit."""
