"""The page on which people draw a digit: a server answers, or the page itself."""
