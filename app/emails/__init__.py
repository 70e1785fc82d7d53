"""Mails: what they say, how they are built, and how they are handed to a server."""
