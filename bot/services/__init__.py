"""Verbs: one use case, one function, its transactions visible. Faces call these; nothing here formats a text."""
