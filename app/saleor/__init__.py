"""The platform: everything that knows how Saleor speaks."""
