"""Is the installation well, and what does it lack: for operators, and for whoever helps them."""
