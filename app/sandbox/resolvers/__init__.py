"""The GraphQL API, cut along the domain."""
