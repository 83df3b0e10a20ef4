"""Resellers as companies and people: who may order at partner prices, and since when."""
