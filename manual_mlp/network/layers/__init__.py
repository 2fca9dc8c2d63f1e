"""Layers: frozen descriptions that know their equations."""
