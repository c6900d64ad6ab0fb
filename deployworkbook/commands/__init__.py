"""Commands of many options, which ``cli`` registers; nothing heavy is imported for them."""
