"""The matching engine: frozen values in, frozen values out; no ORM, no HTTP, no settings."""
