"""Parts that read the same in the WIT of 0.2 and of 0.3."""
