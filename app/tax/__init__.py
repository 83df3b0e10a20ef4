"""Sales tax by the reseller's location, exemption certificates, and the store's own flat rates for everybody else."""
