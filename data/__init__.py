"""Importers, the sample region, and what ships with the program."""
