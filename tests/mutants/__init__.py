"""Does a test fail when a line of the program is wrong? Mutants of it, and the tests that touch them."""
