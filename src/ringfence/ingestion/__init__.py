"""From a Defender account to rows: read, told apart, matched and stored in one transaction for each page."""
