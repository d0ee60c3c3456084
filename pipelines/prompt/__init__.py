"""The prompt language: from text to weighted chunks of token ids. No torch here."""
