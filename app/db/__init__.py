"""Engine, tenant-scoped sessions, encryption of secrets, migrations."""
