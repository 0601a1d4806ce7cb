"""The documented API under /api (docs/api.md): translates to and from the services, and decides nothing."""
