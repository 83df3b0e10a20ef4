"""A stand-in Saleor: what the demo and the journey tests talk to where no real one is."""
