"""Talks: lists of chapters for a speaker, each a run, a race, a figure or a few words. Imports no torch."""
