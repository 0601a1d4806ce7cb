"""Memory: hand-written SQL over one engine. Each module holds the statements about one noun."""
