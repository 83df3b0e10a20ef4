"""Saleor's webhooks. Every one is signed; none is trusted before its signature is checked."""
