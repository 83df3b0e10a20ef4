"""The reseller program for Saleor. See README.md for the way through the house."""
