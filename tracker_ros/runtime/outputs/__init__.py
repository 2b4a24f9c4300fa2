"""Outputs made of an answer: messages, pictures, diagnostics."""
