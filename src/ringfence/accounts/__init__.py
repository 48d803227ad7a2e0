"""Connected Defender accounts: proven before they are used, and again after they failed."""
