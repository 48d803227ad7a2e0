"""What people are told, over which channels, and how they answer by link: rules, outbox, delivery."""
