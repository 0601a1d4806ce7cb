"""The sandbox: a supplier that sells no real numbers, for the demo and for tests, and the adapter that speaks to it."""
