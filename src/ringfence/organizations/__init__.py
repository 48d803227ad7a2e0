"""Who owns what: every row belongs to one organization."""
