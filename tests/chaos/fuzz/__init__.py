"""Hostile input at every entrance of the whole program: nothing escapes, nothing is lost, and everybody is answered.

By default the same examples each time, so many that all of it takes a minute; FUZZ=full draws thirty times as many,
others each time (FUZZ_SEED repeats a run).
"""
