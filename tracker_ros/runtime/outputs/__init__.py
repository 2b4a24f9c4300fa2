"""What is made of an answer: messages, pictures, diagnostics."""
